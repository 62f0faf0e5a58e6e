// Colour ramps for cells that are drawn here; of the same names as the styles of map tiles.

const STOPS = {
  terrain: ["#2e6e5e", "#5f9a5b", "#a9bf6c", "#e2d492", "#cfa66f", "#a97a55", "#8d6a5b", "#b9aaa4", "#ffffff"],
  viridis: ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"],
  grey: ["#101010", "#f4f4f4"],
};

export const RAMPS = Object.keys(STOPS);

/** 256 colours of a ramp as a table of 3 bytes each. */
export function tableOf(name) {
  const stops = (STOPS[name] ?? STOPS.terrain).map(parse);
  const table = new Uint8ClampedArray(256 * 3);
  for (let index = 0; index < 256; index += 1) {
    const place = (index / 255) * (stops.length - 1);
    const first = Math.min(Math.floor(place), stops.length - 2);
    for (let band = 0; band < 3; band += 1) {
      const [from, to] = [stops[first][band], stops[first + 1][band]];
      table[index * 3 + band] = from + (to - from) * (place - first);
    }
  }
  return table;
}

/** A ramp as a CSS gradient, low values at the left. */
export function gradientOf(name) {
  return `linear-gradient(to right, ${(STOPS[name] ?? STOPS.terrain).join(", ")})`;
}

function parse(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}
