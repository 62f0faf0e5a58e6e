// Where the page begins: the list at "/", a terrain at "/terrain/{name}".

import { make } from "./base/dom.js";
import { askForKey } from "./base/key.js";
import { showTerrains } from "./list/terrains.js";
import { showTerrain } from "./terrain/page.js";

const main = document.getElementById("main");
const [, name] = /^\/terrain\/([^/]+)$/.exec(location.pathname) ?? [];

document.getElementById("key-button").addEventListener("click", async () => {
  if (await askForKey("It is kept until this tab is closed, and sent with every request of this page.")) location.reload();
});

try {
  if (name) await showTerrain(main, name);
  else showTerrains(main);
} catch (problem) {
  main.replaceChildren(
    make(
      "section",
      { class: "list" },
      make("h1", {}, "This cannot be shown"),
      make("p", { class: "notice" }, problem.message),
      make("p", {}, make("a", { href: "/" }, "All terrains")),
    ),
  );
  if (!("status" in problem)) throw problem;
}
