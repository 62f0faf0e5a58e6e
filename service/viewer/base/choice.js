// What is chosen on a terrain's page; kept behind the # of its address, so that a link shows the same.

/** Names and values; tells of every change. */
export class Choice extends EventTarget {
  constructor(defaults) {
    super();
    this.defaults = defaults;
    this.values = { ...defaults, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) };
  }

  get(name) {
    return this.values[name];
  }

  /** Change some values; listeners hear the names of those that are others now. */
  set(changes) {
    const changed = Object.keys(changes).filter((name) => String(changes[name]) !== String(this.values[name]));
    if (changed.length === 0) return;
    for (const name of changed) this.values[name] = String(changes[name]);
    const told = Object.entries(this.values).filter(([name, value]) => value !== String(this.defaults[name]));
    history.replaceState(null, "", told.length ? `#${new URLSearchParams(told)}` : location.pathname);
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(changed) }));
  }

  /** Run `work` whenever one of these names has another value. */
  on(names, work) {
    this.addEventListener("change", ({ detail }) => {
      if (names.some((name) => detail.has(name))) work();
    });
  }
}
