"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from catalogues import KINDS, PostgresServer, postgres_server
from s3_server import S3Server, s3_server
from web_server import WebServer, web_server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--catalog",
        choices=[*KINDS, "both"],
        help="Kinds of catalogues that tests run on. Default: both for those of the catalogue, else SQLite.",
    )
    parser.addoption(
        "--store",
        choices=["folder", "s3"],
        default="folder",
        help="Where tests of the service that do not say it have their pyramids.",
    )
    parser.addoption(
        "--pictures",
        type=Path,
        help="Folder for pictures of pages that tests have looked at. Default: with the tests' own files.",
    )


def pytest_configure() -> None:
    # no test measures time: the machine may be busy
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    # a shell that starts the tests in the background has SIGINT ignored, and so would the programs they start
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a catalogue runs once on each kind."""
    if "catalogue_kind" in metafunc.fixturenames:
        is_of_catalogue = metafunc.definition.path.is_relative_to(Path(__file__).parent / "catalog")
        chosen = metafunc.config.getoption("--catalog") or ("both" if is_of_catalogue else "sqlite")
        metafunc.parametrize("catalogue_kind", KINDS if chosen == "both" else [chosen], scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take longest are begun first: one of them at the end would run alone."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logs may be no text (a hostile name), and has to travel to the process that prints it."""
    report = yield
    report.sections = [
        (title, content.encode("utf-8", "backslashreplace").decode()) for title, content in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def dem() -> Path:
    """Real elevation data: `ZIGGURAT_TEST_DEM`, else ../shared/dem; without it the test is skipped."""
    default = Path(__file__).parents[2] / "shared" / "dem"
    folder = Path(os.environ.get("ZIGGURAT_TEST_DEM", default))
    if not folder.is_dir():
        pytest.skip(f"no real elevation data in {folder.name}/ (ZIGGURAT_TEST_DEM)")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@contextmanager
def open_catalogue(
    kind: str, request: pytest.FixtureRequest, folder: Path, *, is_migrated: bool
) -> Iterator[str]:
    """The URL of a new catalogue; a file is not there before it is used."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/{'catalog' if is_migrated else 'empty'}.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database(is_migrated=is_migrated) as url:
        yield url


@pytest.fixture
def catalogue_url(catalogue_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a test's own catalogue, as `ZIGGURAT_DATABASE_URL` takes it."""
    with open_catalogue(catalogue_kind, request, tmp_path, is_migrated=True) as url:
        yield url


@pytest.fixture
def empty_catalogue_url(catalogue_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a catalogue without tables."""
    with open_catalogue(catalogue_kind, request, tmp_path, is_migrated=False) as url:
        yield url


@pytest.fixture(scope="module")
def module_catalogue_url(
    catalogue_kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a catalogue that all tests of a file share."""
    folder = tmp_path_factory.mktemp("catalogue")
    with open_catalogue(catalogue_kind, request, folder, is_migrated=True) as url:
        yield url


@pytest.fixture(scope="session")
def running_s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(running_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """An S3 server that this process, and those it starts, find by the usual settings; it works well."""
    point_to(running_s3, monkeypatch)
    running_s3.spoil()
    yield running_s3
    running_s3.spoil()


def point_to(server: S3Server, patch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        patch.setenv(name, value)


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """The name of a bucket of one's own."""
    return make_bucket(s3)


def make_bucket(server: S3Server) -> str:
    name = f"test-{uuid4().hex}"
    server.client().create_bucket(Bucket=name)
    server.requests()
    return name


@pytest.fixture
def chosen_store_url(request: pytest.FixtureRequest) -> str | None:
    """A store in a bucket of the test's own, if the command line wants that."""
    if request.config.getoption("--store") == "folder":
        return None
    return f"s3://{request.getfixturevalue('bucket')}/pyramids"


@pytest.fixture(scope="module")
def module_store_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """One that all tests of a file share."""
    if request.config.getoption("--store") == "folder":
        yield None
        return
    server: S3Server = request.getfixturevalue("running_s3")
    with pytest.MonkeyPatch.context() as patch:
        point_to(server, patch)
        yield f"s3://{make_bucket(server)}/pyramids"


@pytest.fixture
def site() -> Iterator[WebServer]:
    """A server of files, on loopback."""
    with web_server() as site:
        yield site
