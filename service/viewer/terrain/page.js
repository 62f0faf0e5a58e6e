// A terrain's page: the stage with the map or the cells, and the panels beside it.

import { Choice } from "../base/choice.js";
import { announce, make } from "../base/dom.js";
import { hasMap } from "../base/packages.js";
import { showAbout } from "./about.js";
import { showBuild } from "./build.js";
import { Facts } from "./facts.js";
import { showLinks } from "./links.js";
import { showMetrics } from "./metrics.js";
import { showProfile } from "./profile.js";
import { showReadout } from "./readout.js";
import { Scale } from "./scale.js";
import { Stage } from "./stage.js";
import { showStatistics } from "./statistics.js";
import { showStyles } from "./styles.js";

/** Show a terrain. */
export async function showTerrain(main, key) {
  const facts = await Facts.load(decodeURIComponent(key));
  document.title = `${facts.terrain.title || facts.terrain.name} · Ziggurat`;
  const choice = new Choice({
    metric: facts.defaultMetric,
    view: facts.isGeoreferenced && hasMap() ? "map" : "cells",
    ramp: "terrain",
    relief: "on",
    depth: "off",
    level: "auto",
  });
  if (!facts.pyramids.has(choice.get("metric"))) choice.set({ metric: facts.defaultMetric });
  const room = { facts, choice, scale: new Scale(facts, choice) };
  const stage = new Stage(room);
  room.stage = stage;
  const side = make("div", { class: "side" }, showAbout(room), showMetrics(room), showBuild(room), showStyles(room));
  side.append(showStatistics(room), showProfile(room), showLinks(room));
  stage.element.append(showReadout(room));
  main.classList.add("full");
  main.append(make("div", { class: "terrain" }, stage.element, side));
  await stage.open();
  choice.on(["metric"], () => announce(`Metric ${choice.get("metric")}`));
}
