"""Web maps of others draw the tiles: pages of another origin, with MapLibre and OpenLayers from npm."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from fetch_viewer import TARGET, fetch_test_packages
from own_environments import NotInstallable
from served import Served
from static_files import serving

LON, LAT = 10.4652, 47.2368
"""On the terrain, far from its edges and from the lake."""

LOW, HIGH = 0, 3000

PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>html, body, #map {{ margin: 0; height: 100%; background: #ff00ff }}</style><div id="map"></div>
<script src="ol/dist/ol.js"></script>
<script type="module">{script}</script>"""

MAPLIBRE = """
import {{ Map }} from "./maplibre-gl/maplibre-gl.mjs";
const map = new Map({{
  container: "map", center: [{lon}, {lat}], zoom: 11, attributionControl: false, fadeDuration: 0,
  style: {{
    version: 8,
    sources: {{ terrain: {{ type: "raster", url: "{tile_json}", tileSize: 256 }} }},
    layers: [{{ id: "terrain", type: "raster", source: "terrain", paint: {{ "raster-fade-duration": 0 }} }}],
  }},
}});
map.once("idle", () => (document.title = "drawn"));
"""

OPENLAYERS = """
const source = {source};
const view = new ol.View({{ center: ol.proj.fromLonLat([{lon}, {lat}]), zoom: 11 }});
const layer = new ol.layer.Tile({{ source, transition: 0 }});
const map = new ol.Map({{ target: "map", view, controls: [], layers: [layer] }});
let loaded = 0;
source.on("tileloadend", () => (loaded += 1));
map.on("rendercomplete", () => (document.title = loaded ? "drawn" : ""));
"""
BY_TILE_JSON = 'new ol.source.TileJSON({{ url: "{tile_json}", crossOrigin: "anonymous" }})'
BY_OGC = 'new ol.source.OGCMapTile({{ url: "{tileset}", crossOrigin: "anonymous" }})'

PAGES = {
    "maplibre": MAPLIBRE,
    "openlayers-tilejson": OPENLAYERS.replace("{source}", BY_TILE_JSON),
    "openlayers-ogc": OPENLAYERS.replace("{source}", BY_OGC),
}


@pytest.fixture(scope="module")
def site(packages: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with the libraries, and its address."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "maplibre-gl").mkdir()
    for file in (TARGET / "maplibre-gl").iterdir():
        (folder / "maplibre-gl" / file.name).write_bytes(file.read_bytes())
    try:
        packed = fetch_test_packages() / "ol" / "dist" / "ol.js"
    except NotInstallable as reason:
        pytest.skip(f"npm does not give OpenLayers: {reason}")
    (folder / "ol" / "dist").mkdir(parents=True)
    (folder / "ol" / "dist" / "ol.js").write_bytes(packed.read_bytes())
    with serving(folder) as address:
        yield folder, address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 500, "height": 400}) as session:
        yield session.new_page()


@pytest.mark.parametrize("name", PAGES)
def test_a_library_draws_the_colours_of_the_heights(
    name: str, page: Page, site: tuple[Path, str], service: Served, pictures: Path
) -> None:
    folder, address = site
    base = str(service.client.base_url).rstrip("/")
    tileset = f"{base}/terrain/peaks/map/max/WebMercatorQuad/grey;rescale={LOW},{HIGH}"
    tile_json = f"{tileset}/tilejson.json"
    if name == "openlayers-ogc":
        tileset = f"{base}/terrain/peaks/map/max/WebMercatorQuad"
    script = PAGES[name].format(lon=LON, lat=LAT, tile_json=tile_json, tileset=tileset)
    (folder / f"{name}.html").write_text(PAGE.format(script=script))
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/{name}.html")
    page.wait_for_function("document.title === 'drawn'", timeout=20_000)
    shot = page.screenshot(path=pictures / f"{name}.png")
    picture = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))
    assert problems == []
    found = tuple(picture[200, 250].tolist())
    if name == "openlayers-ogc":  # in the default style: not the magenta behind it, nor blank
        assert found not in {(255, 0, 255), (255, 255, 255)}
        return
    told = service.client.get(f"/terrain/peaks/elevation?lon={LON}&lat={LAT}&metric=max").json()
    expected = round(255 * (told["elevation"] - LOW) / (HIGH - LOW))
    # pixels of the map are as large as several cells, whose maximum it is
    assert all(abs(channel - expected) <= 12 for channel in found), (found, expected)
