// The list of terrains: looked through by the start of their names, page by page.

import { getJson } from "../base/api.js";
import { afterwards, announce, make } from "../base/dom.js";
import { several } from "../base/numbers.js";
import { makeCard } from "./card.js";

const PAGE_SIZE = 24;

/** Show the list. */
export function showTerrains(main) {
  const field = make("input", {
    id: "search",
    type: "search",
    autocomplete: "off",
    placeholder: "start of a name",
    maxlength: 100,
    value: new URLSearchParams(location.hash.slice(1)).get("q") ?? "",
  });
  const list = make("ul", { class: "cards", "aria-label": "Terrains" });
  const said = make("p", { class: "notice", hidden: true });
  const more = make("button", { type: "button", class: "more", hidden: true }, "Show more");
  main.append(
    make(
      "section",
      { class: "list" },
      make(
        "div",
        { class: "head" },
        make("div", {}, make("h1", {}, "Terrains"), make("p", { class: "lead" }, LEAD)),
        make("form", { role: "search", onsubmit: (event) => event.preventDefault() }, make("label", { for: "search" }, "Search"), field),
      ),
      list,
      said,
      more,
    ),
  );
  const pages = new Pages(list, said, more);
  field.addEventListener("input", afterwards(() => pages.search(field.value.trim()), 200));
  more.addEventListener("click", () => pages.showMore());
  pages.search(field.value.trim());
}

const LEAD = "Elevation from scattered tiles, each terrain one pyramid: every level halves the one below, cell by cell.";

class Pages {
  constructor(list, said, more) {
    Object.assign(this, { list, said, more, asked: new AbortController() });
    this.onSight = new Map();
    this.watcher = new IntersectionObserver((entries) => this.see(entries), { rootMargin: "200px" });
  }

  async search(prefix) {
    const query = new URLSearchParams({ limit: PAGE_SIZE, ...(prefix && { q: prefix }) });
    history.replaceState(null, "", prefix ? `#${new URLSearchParams({ q: prefix })}` : location.pathname);
    await this.load(`/terrain?${query}`, { isNew: true });
  }

  showMore() {
    return this.load(this.next, { isNew: false });
  }

  async load(address, { isNew }) {
    this.asked.abort();
    this.asked = new AbortController();
    try {
      const page = await getJson(address, { signal: this.asked.signal });
      if (isNew) this.list.replaceChildren();
      const shown = this.list.children.length;
      this.list.append(...page.terrains.map((terrain) => makeCard(terrain, this.whenSeen.bind(this))));
      this.next = page.next;
      this.more.hidden = page.next === null;
      this.tell(isNew && page.terrains.length === 0 ? "No terrain of that name." : "");
      announce(`${several(this.list.children.length, "terrain")} shown${page.next ? ", there are more" : ""}`);
      if (!isNew) this.list.children[shown]?.querySelector("a").focus();
    } catch (problem) {
      if (problem.name !== "AbortError") this.tell(`The terrains cannot be listed: ${problem.message}`);
    }
  }

  tell(words) {
    this.said.textContent = words;
    this.said.hidden = words === "";
  }

  whenSeen(card, work) {
    this.onSight.set(card, work);
    this.watcher.observe(card);
  }

  see(entries) {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      this.watcher.unobserve(target);
      this.onSight.get(target)();
      this.onSight.delete(target);
    }
  }
}
