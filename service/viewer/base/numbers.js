// Numbers as people read them.

const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0, useGrouping: true });

/** A count with thin groups of three digits. */
export function count(number) {
  return GROUPED.format(number).replaceAll(",", "\u2009");
}

/** `1 tile`, `2 tiles`. */
export function several(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** A value with as many digits as its range deserves. */
export function value(number, unit = null) {
  if (number === null || Number.isNaN(number)) return "no data";
  const digits = Number.isInteger(number) ? 0 : Math.abs(number) < 10 ? 3 : Math.abs(number) < 1000 ? 2 : 1;
  const written = number.toFixed(digits).replace(/^-(?=0(\.0*)?$)/, "").replace("-", "\u2212");
  return unit && unit !== "1" ? `${written}\u00a0${unit}` : written;
}

/** A length in its unit: metres as kilometres where they are many. */
export function lengthOf(length, unit) {
  if (unit === null) return `${value(Number(length.toFixed(1)))} cells`;
  if (unit !== "metre") return `${value(length)} ${unit}`;
  return length < 2000 ? `${value(Math.round(length))} m` : `${value(Number((length / 1000).toPrecision(4)))} km`;
}

/** Degrees as 47.123° N, 8.456° E. */
export function lonlat(lon, lat) {
  const side = (degrees, [more, less]) => `${Math.abs(degrees).toFixed(5)}°\u00a0${degrees < 0 ? less : more}`;
  return `${side(lat, "NS")}, ${side(lon, "EW")}`;
}

/** Seconds as people count them. */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Bytes. */
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = number < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(number) / 3));
  return `${Number((number / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

/** Low and high, moved outwards to round numbers, so that a legend can be read. */
export function roundRange(low, high) {
  if (!(high > low)) return [low, low + 1];
  const step = 10 ** Math.floor(Math.log10((high - low) / 5));
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step].map((each) => Number(each.toPrecision(12)));
}
