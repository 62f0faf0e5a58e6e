// Which values the colours stand for: the range of a coarse level, moved to round numbers.

import { getCells } from "../base/api.js";
import { roundRange } from "../base/numbers.js";
import { summarize, typicalRise } from "../base/painter.js";

const CELLS_A_SIDE = 256;

/** Low, high and relief of the chosen metric's current generation; looked up once for each. */
export class Scale {
  constructor(facts, choice) {
    Object.assign(this, { facts, choice, known: new Map() });
  }

  /** @returns {Promise<{low: number, high: number, relief: number, cells: object, level: number}>} */
  get() {
    const metric = this.choice.get("metric");
    const pyramid = this.facts.pyramids.get(metric);
    if (!pyramid.generation) return Promise.reject(new Error(`${metric} is not built yet`));
    if (!this.known.has(pyramid.generation)) {
      const looked = this.look(metric, pyramid);
      looked.catch(() => this.known.delete(pyramid.generation));
      this.known.set(pyramid.generation, looked);
    }
    return this.known.get(pyramid.generation);
  }

  async look(metric, { levels }) {
    const { level } = levels.find(({ height, width }) => Math.max(height, width) <= CELLS_A_SIDE);
    const cells = await getCells(`${this.facts.addressOf(metric)}/${level}?f=npy`);
    const nodata = this.facts.nodataOf(metric);
    const found = summarize(cells, nodata);
    const [low, high] = found.valid ? roundRange(found.low, found.high) : [0, 1];
    // for each native cell: a level's cells are 2^level as large
    return { low, high, relief: typicalRise(cells, nodata) / 2 ** level, cells, level };
  }
}
