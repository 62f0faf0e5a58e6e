"""The only reader of the environment. Every setting is `ZIGGURAT_<NAME>`; an empty one counts as not set.

Relative paths, the defaults too, are taken from the folder a command is started in.
"""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ByteSize, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.field_types import MOST_POINTS
from service.schemas import MOST_TILES
from service.source_settings import SourceSettings, parse_sources

PREFIX = "ZIGGURAT_"

RESERVED = ("ZIGGURAT_TEST_", "ZIGGURAT_VENV")
"""What names with this beginning mean is the business of the tests and of the scripts."""

ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]+)?")
"""As browsers write it: in lower case, without a path."""

BUCKET_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*/?", re.ASCII)
"""No userinfo, which would be shown, and nothing that addresses would have to escape."""


def available_cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_memory_budget() -> ByteSize:
    """A quarter of the memory this process may use, at least 1 GiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return ByteSize(max(2**30, min(memory, _container_memory() or memory) // 4))


def _container_memory() -> int | None:
    """What the container allows (cgroup v2), None without a limit."""
    try:
        return int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):
        return None


class Settings(BaseSettings):
    """How this installation runs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    database_url: str = Field(
        default="sqlite:///data/catalog.db",
        description="Where the catalogue is: an SQLAlchemy URL. Three slashes and a relative path, or "
        "four and an absolute one, name an SQLite file; postgresql://user:password@host/database a server.",
    )
    store_url: Path | str = Field(
        default=Path("data/pyramids"),
        description="Where the pyramids are: a folder, or `s3://bucket/prefix`; endpoint, region and "
        "credentials are then those of the usual AWS settings, such as `AWS_ENDPOINT_URL`.",
    )
    tile_root: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(Path("data/tile"),),
        min_length=1,
        description="Folders that hold tiles, separated as in PATH. Relative sources are looked up "
        "there, in this order; no source may leave them.",
    )
    sources: Annotated[SourceSettings, NoDecode] = Field(
        default_factory=SourceSettings,
        description="Which sources by URL are taken, and how they are asked for: JSON, see "
        "`docs/sources.md`. Default: those at public addresses, asked for anonymously.",
    )
    metrics: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Metrics of your own, as `module:object`, separated by commas; those of installed "
        "entry points `ziggurat.metrics` are there anyway.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on.")
    log: Literal["text", "json"] | None = Field(
        default=None,
        description="Form of the log of `ziggurat serve`: `text` or `json`, one object a line. Default: text "
        "on a terminal, else JSON.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged."
    )
    drain_s: float = Field(
        default=5.0,
        ge=0,
        description="Seconds from SIGTERM, when readiness says no, until no more requests are taken: long "
        "enough for whoever routes requests to see it.",
    )
    stop_s: int = Field(
        default=20,
        ge=1,
        description="Seconds that requests under way then have to end before they are cut off.",
    )
    keep_alive_s: int = Field(
        default=75,
        ge=1,
        description="Seconds that an idle connection is kept: longer than a load balancer keeps its own.",
    )
    auth: Literal["auto", "open", "keys"] = Field(
        default="auto",
        description="Who may write and ask for builds. `open`: everybody; `keys`: holders of an API key; "
        "`auto`: everybody on a loopback address, elsewhere holders of a key, and one must exist.",
    )
    public_reading: bool = Field(
        default=True, description="Whether reading takes no key where writing takes one."
    )
    anonymous_build_cells: int = Field(
        default=2**24,
        ge=0,
        description="Cells of the largest terrain that a request without a key may have built, where keys "
        "are required. 2^24 take a second or two.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Names under which clients may reach the service, separated by commas; `*.example.org` "
        "is any below. Default: the machine's own names on a loopback address, elsewhere any.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose web pages may also write, such as `https://maps.example.org`, separated "
        "by commas. Pages of any origin may read.",
    )
    max_cells: int = Field(
        default=10**12, ge=1, description="Cells a terrain may have; 10^12 holds the Earth at 1″."
    )
    max_answer_cells: int = Field(default=2**20, ge=1, description="Cells one answer may hold.")
    max_points: int = Field(
        default=10_000, ge=1, le=MOST_POINTS, description="Points one request may ask the values of."
    )
    chunk_cache: ByteSize = Field(
        default=ByteSize(2**28),
        ge=0,
        description="Memory in each process for chunks decoded for map tiles and small windows, e.g. `1GiB`.",
    )
    max_registration_tiles: int = Field(
        default=10_000, ge=1, le=MOST_TILES, description="Tiles one request may register."
    )
    spool: Path = Field(
        default=Path("data/spool"),
        description="Folder for tables of tiles that were sent and are not registered yet.",
    )
    max_table_bytes: ByteSize = Field(
        default=ByteSize(2**30), ge=1, description="Largest table of tiles that one request may send."
    )
    build_workers: int = Field(
        default_factory=available_cores, ge=1, description="Threads of one build. Default: the cores."
    )
    memory_budget: ByteSize = Field(
        default_factory=default_memory_budget,
        ge=2**20,
        description="Memory a build may take, e.g. `2GiB`. Default: a quarter of the machine's, "
        "at least 1 GiB.",
    )
    dask_scheduler: str | None = Field(
        default=None,
        description="Address of a `dask.distributed` scheduler, e.g. `tcp://host:8786`; its workers "
        "see the same folders. Default: threads of the building process.",
    )
    grace_s: float = Field(
        default=604800.0,
        ge=0,
        description="Seconds for which `ziggurat gc` leaves a generation that is out of use, or that nobody "
        "knows, where it is: longer than anybody reads one.",
    )
    sweep_every_s: float = Field(
        default=86400.0,
        gt=0,
        description="Seconds between two sweeps, on average, in each process that builds: what `ziggurat gc` "
        "does.",
    )
    builds_per_replica: int = Field(
        default=1,
        ge=0,
        description="Builds that run at once in one process; others queue. 0: it serves, and `ziggurat "
        "worker` processes on the same catalogue build.",
    )
    max_builds: int | None = Field(
        default=None, ge=1, description="Builds that run at once in all processes on the catalogue together."
    )
    lease_s: float = Field(
        default=30.0,
        ge=0.5,
        description="Seconds without a sign of life after which another process takes a build over.",
    )
    request_threads: int = Field(
        default=8, ge=1, description="Requests that read catalogue, tiles or store at once."
    )
    request_queue: int = Field(
        default=128, ge=0, description="Requests that wait for such a thread; others are told to come again."
    )
    deadline_s: float = Field(
        default=5.0,
        ge=4,
        description="Seconds in which the catalogue has to answer a request, each time it is asked; half of "
        "them may pass before the request's turn comes. Then the answer is 503.",
    )
    stale_page_s: float = Field(
        default=30.0,
        ge=0,
        le=60,
        description="Seconds for which an answer about terrains is given again while the catalogue is away.",
    )
    build_wait_s: float = Field(
        default=10.0, ge=0, description="Seconds a request waits for a build without `Prefer: wait`."
    )
    max_build_wait_s: float = Field(default=60.0, ge=0, description="Longest `Prefer: wait`, in seconds.")

    @model_validator(mode="before")
    @classmethod
    def _notice_mistyped_names(cls, given: dict[str, object]) -> dict[str, object]:
        """Refuse a variable that is no setting: it would silently be without effect."""
        return {name: "" for name in _names_in_environment() if name not in cls.model_fields} | given

    @field_validator("store_url", mode="before")
    @classmethod
    def _folder_or_bucket(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        scheme, separator, rest = value.partition("://")
        if scheme == "s3" and separator:
            if BUCKET_PREFIX.fullmatch(rest) is None:
                raise ValueError("an S3 store is named s3://bucket or s3://bucket/prefix, no more")
            return value
        if separator and scheme != "file":
            raise ValueError(f"{scheme}:// stores are not supported; name a folder, or s3://bucket/prefix")
        return _folder(rest if separator else value)

    @field_validator("sources", mode="before")
    @classmethod
    def _parse_json(cls, value: object) -> object:
        return parse_sources(value) if isinstance(value, str) else value

    @field_validator("spool", mode="before")
    @classmethod
    def _expand_folder(cls, value: object) -> object:
        return _folder(value) if isinstance(value, str) else value

    @field_validator("tile_root", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(_folder(name) for name in value.split(os.pathsep))

    @field_validator("metrics", "allowed_hosts", "cors_origins", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if ORIGIN.fullmatch(origin) is None:
                raise ValueError(f"{origin!r} is not an origin: scheme://host or scheme://host:port")
        return origins

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the address to listen on."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def requires_keys(self) -> bool:
        """Whether writing and asking for builds take an API key."""
        return self.auth == "keys" or (self.auth == "auto" and not self.is_local)


def _names_in_environment() -> set[str]:
    """Settings that the environment names, rightly or not."""
    upper = {name.upper() for name, value in os.environ.items() if value}
    names = {name for name in upper if name.startswith(PREFIX) and not name.startswith(RESERVED)}
    return {name.removeprefix(PREFIX).lower() for name in names}


def closest_setting(mistyped: str) -> str:
    """The setting whose name is most like this one."""
    return get_close_matches(mistyped, Settings.model_fields, n=1, cutoff=0.0)[0]


def _folder(name: str) -> Path:
    """A folder; `~` is the user's home, as in a shell."""
    if not name.strip():
        raise ValueError("a folder's name is empty; the current folder is `.`")
    return Path(name).expanduser()
