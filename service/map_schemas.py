"""Bodies of documents about maps: OGC API - Tiles, OGC Tile Matrix Sets and TileJSON name their members."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class MapBody(BaseModel):
    """Members as the standards spell them; those that are unknown are left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    def as_json(self) -> bytes:
        """The document."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class LinkBody(MapBody):
    """RFC 8288. Where `templated`, `{tileMatrix}`, `{tileCol}` and `{tileRow}` stand for z, x and y."""

    rel: str
    href: str
    type: str | None = None
    title: str | None = None
    templated: bool | None = None


class LandingBody(MapBody):
    """What there is, and where."""

    title: str
    description: str
    links: list[LinkBody]


class ConformanceBody(MapBody):
    """Which classes of which standards the service keeps to."""

    conforms_to: list[str]


CrsMember = Annotated[
    str | dict[str, Any], Field(description="A URI, or `wkt` with PROJJSON for a CRS that has none.")
]


class MatrixSetItemBody(MapBody):
    """One of the registered tile matrix sets."""

    id: str
    title: str | None = None
    uri: str | None = None
    crs: CrsMember
    links: list[LinkBody]


class MatrixSetListBody(MapBody):
    """The registered tile matrix sets that maps are given in."""

    tile_matrix_sets: list[MatrixSetItemBody]


class TileMatrixBody(MapBody):
    """One resolution: a grid of tiles from its upper-left corner."""

    id: str
    scale_denominator: float
    cell_size: float
    cell_height: Annotated[
        float | None, Field(description="Where cells are not square; `cellSize` is their width then.")
    ] = None
    corner_of_origin: str = "topLeft"
    point_of_origin: Annotated[list[float], Field(min_length=2, max_length=2)]
    tile_width: int
    tile_height: int
    matrix_width: int
    matrix_height: int


class MatrixSetBody(MapBody):
    """A tile matrix set, as OGC 17-083r4 defines it."""

    id: str
    title: str | None = None
    uri: str | None = None
    crs: CrsMember
    ordered_axes: list[str] | None = None
    well_known_scale_set: str | None = None
    tile_matrices: list[TileMatrixBody]


class LimitsBody(MapBody):
    """The tiles of a matrix that the terrain may lie on; both ends are in."""

    tile_matrix: str
    min_tile_row: int
    max_tile_row: int
    min_tile_col: int
    max_tile_col: int


class BoundingBoxBody(MapBody):
    """Around the terrain; `lowerLeft` is east of `upperRight` across the antimeridian."""

    lower_left: list[float]
    upper_right: list[float]
    crs: str


class TilesetItemBody(MapBody):
    """A tileset in a list."""

    title: str
    data_type: Literal["map"] = "map"
    crs: CrsMember
    tile_matrix_set_uri: Annotated[str | None, Field(alias="tileMatrixSetURI")] = None
    links: list[LinkBody]


class TilesetListBody(MapBody):
    """The tile matrix sets that a terrain is given in."""

    tilesets: list[TilesetItemBody]
    links: list[LinkBody]


class TilesetBody(TilesetItemBody):
    """A tileset: which tiles of which matrices there are, and their addresses."""

    description: str | None = None
    attribution: str | None = None
    license: str | None = None
    tile_matrix_set: MatrixSetBody
    tile_matrix_set_limits: list[LimitsBody]
    bounding_box: BoundingBoxBody | None = None
    media_types: list[str]


class TileJsonBody(MapBody):
    """TileJSON 3.0, with what MapLibre reads beside it."""

    tilejson: Literal["3.0.0"] = "3.0.0"
    name: str
    description: str | None = None
    version: str = "1.0.0"
    attribution: Annotated[str | None, Field(description="As HTML: special characters are escaped.")] = None
    scheme: Literal["xyz"] = "xyz"
    tiles: Annotated[list[str], Field(min_length=1, description="Absolute, and of this generation for ever.")]
    minzoom: Annotated[int, Field(ge=0, le=30)]
    maxzoom: Annotated[int, Field(ge=0, le=30, description="The first as fine as the terrain.")]
    bounds: Annotated[
        list[float] | None,
        Field(
            min_length=4,
            max_length=4,
            description="Around the globe where the terrain crosses the antimeridian.",
        ),
    ] = None
    center: Annotated[
        list[float | int] | None,
        Field(min_length=3, max_length=3, description="Longitude, latitude and a zoom."),
    ] = None
    tile_size: int
    encoding: Annotated[
        Literal["mapbox", "terrarium"] | None, Field(description="Of heights as colours.")
    ] = None
    empty_response: Annotated[
        Literal["blank"], Field(description="What tiles without data are: pictures of the full size.")
    ] = "blank"
