// What the service knows of a terrain and its pyramids.

import { getJson } from "../base/api.js";

const PREFERRED = ["mean", "max"];

/** A terrain, its pyramids by metric, and what changed of them ("change"). */
export class Facts extends EventTarget {
  static async load(key) {
    const facts = new Facts();
    facts.terrain = await getJson(`/terrain/${key}`);
    await facts.refresh();
    return facts;
  }

  get address() {
    return `/terrain/${this.terrain.name}`;
  }

  addressOf(metric) {
    return `${this.address}/pyramid/${metric}`;
  }

  /** Look at all pyramids again. */
  async refresh() {
    const { pyramids } = await getJson(`${this.address}/pyramid`);
    this.pyramids = new Map(pyramids.map((pyramid) => [pyramid.metric, pyramid]));
    this.dispatchEvent(new Event("change"));
  }

  /** Take in what was told of one pyramid. */
  learn(pyramid) {
    const before = this.pyramids.get(pyramid.metric);
    this.pyramids.set(pyramid.metric, pyramid);
    this.dispatchEvent(new Event("change"));
    if (before.generation !== pyramid.generation) this.dispatchEvent(new Event("generation"));
  }

  /** The metric that is shown when none is asked for: mean if it is built, else max, else one that is. */
  get defaultMetric() {
    const built = [...PREFERRED, ...this.pyramids.keys()].find((metric) => this.pyramids.get(metric)?.generation);
    return built ?? "max";
  }

  get isGeoreferenced() {
    return this.terrain.crs !== null && this.terrain.lonlat_extent !== null;
  }

  /** What tells that a cell has no data, as a number; null when every cell has some. */
  nodataOf(metric) {
    const { nodata } = this.pyramids.get(metric);
    return nodata === "NaN" ? NaN : nodata;
  }

  /** The unit of a metric's values; those of counts have none. */
  unitOf(metric) {
    return metric === "count" ? null : this.terrain.unit;
  }
}
