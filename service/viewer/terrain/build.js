// The chosen pyramid's state; its build, ordered, watched and called off.

import { getJson, order, remove, watch } from "../base/api.js";
import { announce, make, section } from "../base/dom.js";
import { bytes, duration, several } from "../base/numbers.js";
import { askForKey } from "../base/key.js";

/** State, progress and buttons. */
export function showBuild({ facts, choice }) {
  const said = make("p", { class: "said" });
  const bar = make("progress", { "aria-label": "Progress of the build", hidden: true });
  const build = make("button", { type: "button", class: "strong", onclick: () => builds.start() }, "Build");
  const stop = make("button", { type: "button", onclick: () => builds.callOff() }, "Call off");
  const builds = new Builds(facts, choice, (pyramid) => tell(pyramid, { said, bar, build, stop }));
  choice.on(["metric"], () => builds.look());
  builds.look();
  return section("Pyramid", "build", said, bar, make("p", { class: "row" }, build, stop));
}

class Builds {
  constructor(facts, choice, tell) {
    Object.assign(this, { facts, choice, tell, watched: new Set() });
    facts.addEventListener("change", () => tell(this.pyramid));
  }

  get pyramid() {
    return this.facts.pyramids.get(this.choice.get("metric"));
  }

  /** Show the chosen pyramid, and follow its build if there is one under way. */
  look() {
    this.tell(this.pyramid);
    if (this.pyramid.state === "building") this.follow(this.pyramid.metric);
  }

  async start() {
    const { metric } = this.pyramid;
    announce(`The build of ${metric} is ordered`);
    await this.tryTo(async () => {
      this.facts.learn(await order(this.facts.addressOf(metric)));
      await this.follow(metric);
    });
  }

  async callOff() {
    await this.tryTo(() => remove(`${this.facts.addressOf(this.pyramid.metric)}/build`));
  }

  async follow(metric) {
    if (this.watched.has(metric)) return;
    this.watched.add(metric);
    try {
      await watch(`${this.facts.addressOf(metric)}/events`, (pyramid) => this.facts.learn(pyramid));
      this.facts.learn(await getJson(this.facts.addressOf(metric)));
      announce(`The pyramid of ${metric} is ${this.facts.pyramids.get(metric).state}`);
    } finally {
      this.watched.delete(metric);
    }
  }

  async tryTo(work) {
    try {
      await work();
    } catch (problem) {
      if ([401, 403].includes(problem.status) && (await askForKey(problem.message))) await this.tryTo(work);
      else this.tell(this.pyramid, problem.message);
    }
  }
}

function tell(pyramid, { said, bar, build, stop }) {
  said.textContent = wordsOf(pyramid);
  const { progress } = pyramid;
  const isBuilding = pyramid.state === "building";
  bar.hidden = !isBuilding;
  if (isBuilding && progress?.shards_total) {
    bar.max = progress.shards_total;
    bar.value = progress.shards_done;
  } else bar.removeAttribute("value");
  build.hidden = isBuilding || pyramid.state === "ready";
  build.textContent = pyramid.state === "stale" ? "Bring up to date" : `Build ${pyramid.metric}`;
  stop.hidden = !isBuilding;
}

function wordsOf({ state, progress, failure, built_at: builtAt, byte_count: size, missing_tile_count: missing }) {
  if (state === "absent") return "Not built yet. Its cells cannot be shown before.";
  if (state === "building") return progress ? progressOf(progress) : "Waits for its turn.";
  if (state === "failed") return `The build failed: ${failure?.detail ?? "no reason is known"}`;
  if (state === "corrupt") return "Stored bytes are damaged; it has to be built anew.";
  const built = `Built ${new Date(builtAt).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}, ${bytes(size)}.`;
  const without = missing ? ` Without ${several(missing, "tile")} that could not be had.` : "";
  return state === "stale" ? `${built}${without} The terrain has changed since.` : built + without;
}

function progressOf({ shards_done: done, shards_total: total, eta_s: left }) {
  if (!total) return "Waits for its turn.";
  return `Building: ${done} of ${several(total, "shard")}${left ? `, about ${duration(left)} more` : ""}.`;
}
