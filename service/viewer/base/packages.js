// Packages of others that the viewer can do without.

/** Whether the library that draws maps was fetched. */
export function hasMap() {
  return document.documentElement.dataset.map === "present";
}
