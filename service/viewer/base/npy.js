// Files of numpy arrays (.npy), as the service writes them: little-endian, in C order, two dimensions.

const KINDS = {
  "|i1": Int8Array,
  "|u1": Uint8Array,
  "<i2": Int16Array,
  "<u2": Uint16Array,
  "<i4": Int32Array,
  "<u4": Uint32Array,
  "<i8": BigInt64Array,
  "<u8": BigUint64Array,
  "<f4": Float32Array,
  "<f8": Float64Array,
};

/**
 * @param {ArrayBuffer} buffer
 * @returns {{height: number, width: number, values: ArrayLike<number>}} values row by row
 */
export function readNpy(buffer) {
  const head = new DataView(buffer);
  const start = head.getUint8(6) === 1 ? 10 : 12;
  const length = start === 10 ? head.getUint16(8, true) : head.getUint32(8, true);
  const header = new TextDecoder("latin1").decode(new Uint8Array(buffer, start, length));
  const kind = KINDS[/'descr': '([^']+)'/.exec(header)[1]];
  const [height, width] = /'shape': \((\d+), (\d+)\)/.exec(header).slice(1).map(Number);
  const values = new kind(buffer.slice(start + length));
  // a height needs no 64-bit integer, and everything that reckons wants plain numbers
  return { height, width, values: typeof values[0] === "bigint" ? Float64Array.from(values, Number) : values };
}
