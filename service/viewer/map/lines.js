// The line of a profile, and the mark on it, over everything else.

const NONE = { type: "FeatureCollection", features: [] };

/** Two layers on top of all others. */
export class Lines {
  constructor(map) {
    this.map = map;
    map.addSource("line", { type: "geojson", data: NONE });
    map.addSource("mark", { type: "geojson", data: NONE });
    map.addLayer({ id: "line-halo", type: "line", source: "line", paint: { "line-color": "#ffffff", "line-width": 6 } });
    map.addLayer({ id: "line", type: "line", source: "line", paint: { "line-color": "#ff5b2e", "line-width": 3 } });
    map.addLayer({ id: "points", type: "circle", source: "line", filter: ["==", ["geometry-type"], "Point"], paint: DOT });
    map.addLayer({ id: "mark", type: "circle", source: "mark", paint: { ...DOT, "circle-radius": 7 } });
  }

  /** Whatever was added since lies below. */
  raise() {
    ["line-halo", "line", "points", "mark"].forEach((name) => this.map.moveLayer(name));
  }

  setLine(places) {
    const coordinates = unwrapped(places);
    const points = coordinates.map((each) => feature("Point", each));
    const data = { ...NONE, features: places.length > 1 ? [feature("LineString", coordinates), ...points] : points };
    this.map.getSource("line").setData(data);
  }

  setMark(place) {
    this.map.getSource("mark").setData(place ? feature("Point", [place.lon, place.lat]) : NONE);
  }
}

const DOT = {
  "circle-radius": 5,
  "circle-color": "#ff5b2e",
  "circle-stroke-color": "#ffffff",
  "circle-stroke-width": 2,
};

/** Degrees that go on over the antimeridian, as a map draws them. */
function unwrapped(places) {
  let before = places[0]?.lon ?? 0;
  return places.map(({ lon, lat }) => {
    before = lon + 360 * Math.round((before - lon) / 360);
    return [before, lat];
  });
}

function feature(type, coordinates) {
  return { type: "Feature", properties: {}, geometry: { type, coordinates } };
}
