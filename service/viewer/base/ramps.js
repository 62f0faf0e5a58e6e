// Colour ramps for cells that are drawn here; the same that map tiles have.

// viridis, magma (both CC0) and turbo (Apache-2.0)
const STOPS = {
  terrain: "2f6b4f 4d8a57 7ba563 a9bd73 d3ce8a dcc07f cca66a b58a5a 9c7150 8e6a55 a08a7e c4b8b1 e6e1de ffffff",
  viridis:
    "440154 471164 481f70 472d7b 443a83 404688 3b528b 365d8d 31688e 2c728e 287c8e 24868e 21908c 1f9a8a " +
    "20a486 27ad81 35b779 47c16e 5cc863 75d054 8fd644 aadc32 c7e020 e3e418 fde725",
  magma:
    "000004 060517 100b2e 1d1147 2c1160 3f0f72 50127c 611880 721f81 822681 932b80 a5317e b6367a c73d73 " +
    "d8456c e65164 f1605d f8735c fb8861 fd9b6b feaf78 fec287 fed698 fdeaab fcfdbf",
  turbo:
    "30123b 3c3184 434fbb 466be3 4686fa 3ba0fd 28bbec 1ad3d1 1ae4b6 31f299 56fa75 80ff53 a2fc3c bef434 " +
    "d8e436 edd03a faba39 fe9f2f fb8022 f26014 e4460a d23105 ba1e02 9d1001 7a0403",
  grey: "000000 ffffff",
};

export const RAMPS = Object.keys(STOPS);

/** 256 colours of a ramp as a table of 3 bytes each. */
export function tableOf(name) {
  const stops = stopsOf(name).map(parse);
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
  return `linear-gradient(to right, ${stopsOf(name).map((stop) => `#${stop}`).join(", ")})`;
}

function stopsOf(name) {
  return (STOPS[name] ?? STOPS.terrain).split(" ");
}

function parse(colour) {
  return [0, 2, 4].map((start) => parseInt(colour.slice(start, start + 2), 16));
}
