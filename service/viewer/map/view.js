// The map of a georeferenced terrain. Comes with the map tiles.

export async function openMap() {
  throw new Error("there are no map tiles yet");
}
