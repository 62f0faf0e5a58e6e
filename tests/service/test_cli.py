"""The command line, end to end: what it prints, where it prints it, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import rasterio
import typer
import xarray
from rasterio.errors import NotGeoreferencedWarning
from sqlalchemy import func, select

from catalog.models import Registration, StagedTile
from installations import Installation, make_installation
from service.cli import app
from service.house import House
from stored_files import StoredFile

CELLS = np.array([[1, 41, 37], [3, 62, 23], [87, 12, 34]], dtype=np.int16)
COMMANDS = typer.main.get_group(app).commands


@pytest.fixture
def installation(installation: Installation) -> Installation:
    np.save(installation.tiles / "a.npy", CELLS)
    np.save(installation.tiles / "b.npy", CELLS)
    return installation


@pytest.fixture
def alps(installation: Installation) -> Installation:
    """An installation with one terrain of one tile."""
    assert installation.run("add", "alps", "a.npy", "--x", "0", "--y", "0", "--create").code == 0
    return installation


def test_the_way_from_nothing_to_a_pyramid(installation: Installation, catalogue_kind: str) -> None:
    created = installation.run("create", "alps", "--title", "The Alps", "--unit", "m")
    assert (created.code, created.stdout) == (0, "Terrain alps has id 1.\n")
    assert ("Made a new catalogue: sqlite:///" in created.stderr) == (catalogue_kind == "sqlite")
    added = installation.run("add", "alps", "a.npy", "--x", "0", "--y", "0")
    assert added.stdout == "1 tile registered; terrain alps is at revision 1.\n"
    built = installation.run("build", "alps", "--metric", "max,mean")
    assert [line.partition(":")[0] for line in built.stdout.splitlines()] == [
        "alps max is built",
        "alps mean is built",
    ]
    listed = installation.run("list")
    assert "3 x 3" in listed.stdout
    told = installation.run("info", "alps")
    assert "alps (id 1, revision 1): The Alps" in told.stdout
    assert listed.stderr == told.stderr == ""


def test_progress_is_on_standard_error_and_silent_with_json(installation: Installation) -> None:
    added = installation.run("add", "alps", "a.npy", "--x", "0", "--y", "0", "--create")
    assert "Looking at sources" in added.stderr
    assert "Looking at sources" not in added.stdout
    built = installation.run("build", "alps")
    assert "alps max" in built.stderr
    assert installation.run("build", "alps", "--again", "--json").stderr == ""


def test_json_is_one_document_alone_on_standard_output(installation: Installation) -> None:
    created = installation.run("create", "alps", "--json").document
    assert (created["name"], created["id"], created["size"]) == ("alps", 1, None)
    added = installation.run("add", "alps", "a.npy", "--x", "-2", "--y", "5", "--json").document
    assert added == {"tiles": [1], "revision": 1}
    (built,) = installation.run("build", "alps", "--json").document["pyramids"]
    assert (built["metric"], built["state"], built["level_count"]) == ("max", "ready", 3)
    assert (StoredFile(built["store_url"]) / "zarr.json").read_bytes()
    told = installation.run("info", "1", "--json").document
    assert (told["terrain"]["x"], told["terrain"]["y"]) == (-2, 5)
    states = {pyramid["metric"]: pyramid["state"] for pyramid in told["pyramids"]}
    assert states.pop("max") == "ready"
    assert states.keys() >= {"min", "mean", "count"}
    assert set(states.values()) == {"absent"}
    assert [t["name"] for t in installation.run("list", "--json").document["terrains"]] == ["alps"]
    assert installation.run("list", "b", "--json").document == {"terrains": []}


def test_what_is_up_to_date_is_not_built_again_unless_asked(alps: Installation) -> None:
    first = alps.run("build", "alps", "--json").document["pyramids"][0]["generation"]
    again = alps.run("build", "alps")
    assert "alps max is up to date" in again.stdout
    assert alps.run("info", "alps", "--json").document["pyramids"][0]["generation"] == first
    forced = alps.run("build", "alps", "--again", "--json").document["pyramids"][0]["generation"]
    assert forced > first


def test_an_unknown_metric_fails_before_anything_is_built(alps: Installation) -> None:
    said = alps.run("build", "alps", "--metric", "max,medium")
    assert (said.code, said.stdout) == (1, "")
    assert said.complaint.startswith("error: no metric 'medium'; there are max, min, mean, count, ")
    assert not (alps.store_folder).exists()


def test_metrics_named_twice_are_built_once(alps: Installation) -> None:
    pyramids = alps.run("build", "alps", "--metric", "min, max,min,,max", "--json").document["pyramids"]
    assert [pyramid["metric"] for pyramid in pyramids] == ["min", "max"]
    assert len([name for name in alps.stored_files() if name.endswith("manifest.json")]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("build", "nowhere"), "no terrain 'nowhere'; `ziggurat list` names those there are"),
        (("info", "99"), "no terrain '99'"),
        (("add", "nowhere", "a.npy", "--x", "0", "--y", "0"), "no terrain 'nowhere'"),
        (("create", "alps"), "there is a terrain 'alps' already"),
        (("create", "other", "--crs", "EPSG:0"), "crs: "),
        (("build", "empty"), "terrain 'empty' has no tiles; register some first"),
        (("add", "alps", "missing.npy"), "missing.npy: no file, folder or pattern of that name here or in"),
        (("add", "alps", "b.npy"), "b.npy: the file is not georeferenced; give its x and y"),
        (("add", "alps", "b.npy", "--x", "1", "--y", str(10**20)), "b.npy: it would lie at x=1"),
        (("add", "alps", "/etc/hostname"), "/etc/hostname: it lies outside the tile root"),
    ],
)
def test_what_is_refused_is_one_line_and_exit_code_1(
    alps: Installation, arguments: tuple[str, ...], said: str
) -> None:
    assert alps.run("create", "empty").code == 0
    refused = alps.run(*arguments)
    assert (refused.code, refused.stdout) == (1, "")
    assert said in refused.complaint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bild", "alps"), "No such command 'bild'"),
        (("build",), "Missing argument 'terrain'; `ziggurat build --help` tells what there is"),
        (("build", "alps", "--metrics", "max"), "No such option: --metrics"),
        (("build", "alps", "--metric", ","), "no metric is named"),
        (("create", "Alps"), "name: "),
        (("create", "tile"), "name: 'tile' is reserved"),
        (("create", "a", "--tile-size", "0"), "--tile-size"),
        (("create", "a", "--nodata", "inf"), "nodata: "),
        (("add", "alps", "*.npy", "--x", "0", "--y", "0"), "--x and --y place one tile, 2 were named"),
        (("add", "alps", "a.npy", "--x", "1.5"), "--x"),
        (("add", "alps", "a.npy", "--priority", str(2**40)), "--priority"),
        (("serve", "--port", "65536"), "--port"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    alps: Installation, arguments: tuple[str, ...], said: str
) -> None:
    wrong = alps.run(*arguments)
    assert (wrong.code, wrong.stdout) == (2, "")
    assert said in wrong.complaint


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("PORT", "eighty", "ZIGGURAT_PORT: "),
        ("STORE_URL", "gs://bucket", "ZIGGURAT_STORE_URL: gs:// stores are not supported"),
        ("MAX_CELLS", "0", "ZIGGURAT_MAX_CELLS: "),
        ("TILE_ROOT", "/a:", "ZIGGURAT_TILE_ROOT: "),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(
    installation: Installation, setting: str, value: str, said: str
) -> None:
    wrong = installation.run("list", **{setting: value})
    assert (wrong.code, wrong.stdout) == (2, "")
    assert said in wrong.complaint
    assert f"not '{value}'" in wrong.complaint


def test_a_mistyped_setting_stops_every_command_before_anything_is_made(installation: Installation) -> None:
    for arguments in (("list",), ("serve", "--port", "0"), ("migrate",)):
        wrong = installation.run(*arguments, STOR_URL="postgresql://anna:secret@host/db")
        assert (wrong.code, wrong.stdout) == (2, "")
        assert wrong.complaint == (
            "error: ZIGGURAT_STOR_URL: there is no such setting; the closest is ZIGGURAT_STORE_URL"
        )
    assert not (installation.folder / "catalog.db").exists()


def test_several_refused_tiles_are_listed_below_the_error(installation: Installation) -> None:
    refused = installation.run("add", "alps", "a.npy", "b.npy", "--create")
    assert refused.code == 1
    assert refused.stderr.splitlines()[-3:] == [
        "error: 2 tiles are refused, so none was registered:",
        "  - a.npy: the file is not georeferenced; give its x and y",
        "  - b.npy: the file is not georeferenced; give its x and y",
    ]


def test_a_damaged_catalogue_is_named(tmp_path: Path) -> None:
    installation = make_installation(tmp_path)
    (installation.folder / "catalog.db").write_bytes(b"these are not tables" * 100)
    said = installation.run("list")
    assert said.code == 1
    assert "file is not a database" in said.complaint
    assert f"(sqlite:///{installation.folder}/catalog.db, ZIGGURAT_DATABASE_URL)" in said.complaint


def test_a_catalogue_of_a_newer_version_is_left_alone(alps: Installation) -> None:
    with alps.house() as house, house.database.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    said = alps.run("list")
    assert said.code == 1
    assert "9999" in said.complaint
    assert "newer version" in said.complaint


def test_a_catalogue_that_cannot_be_made_is_named(installation: Installation) -> None:
    (installation.folder / "taken").write_text("")
    url = f"sqlite:///{installation.folder}/taken/catalog.db"
    said = installation.run("list", DATABASE_URL=url)
    assert said.code == 1
    assert url in said.complaint
    bad = installation.run("list", DATABASE_URL="postgres//nowhere")
    assert "ZIGGURAT_DATABASE_URL" in bad.complaint


def test_a_store_that_cannot_be_written_is_named(alps: Installation) -> None:
    (alps.folder / "taken").write_text("")
    said = alps.run("build", "alps", "--json", STORE_URL=str(alps.folder / "taken"))
    assert (said.code, said.stdout) == (1, "")
    assert "the store cannot be used" in said.complaint
    assert "ZIGGURAT_STORE_URL" in said.complaint


def test_relative_settings_are_taken_from_the_current_folder(installation: Installation) -> None:
    relative = {"DATABASE_URL": "sqlite:///mine/c.db", "STORE_URL": "mine/p", "TILE_ROOT": "tiles"}
    added = installation.run("add", "alps", "a.npy", "--x", "0", "--y", "0", "--create", **relative)
    assert added.code == 0, added.stderr
    assert installation.run("build", "alps", **relative).code == 0
    assert (installation.folder / "mine" / "c.db").is_file()
    assert (installation.folder / "mine" / "p" / "alps" / "max" / "latest.json").is_file()


def test_the_version_is_that_of_the_package(installation: Installation) -> None:
    assert installation.run("--version").stdout == f"ziggurat {version('ziggurat')}\n"


def test_no_command_is_answered_with_help(installation: Installation) -> None:
    said = installation.run()
    assert (said.code, said.stdout) == (2, "")
    for word in (*COMMANDS, "130 interrupted", "ZIGGURAT_"):
        assert word in said.stderr


def test_every_command_and_every_option_says_what_it_does() -> None:
    for name, command in COMMANDS.items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_terrains_are_listed_page_after_page(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"t{index:02}" for index in range(5)]
    for name in reversed(names):
        assert installation.run("create", name).code == 0
    monkeypatch.setattr("service.commands.looking.LIST_PAGE", 2)
    listed = installation.run("list", "--json").document["terrains"]
    assert [terrain["name"] for terrain in listed] == names


def test_exist_ok_leaves_the_terrain_as_it_is(alps: Installation) -> None:
    again = alps.run("create", "alps", "--title", "Other", "--exist-ok", "--json")
    assert (again.code, again.document["title"]) == (0, None)


def test_a_moved_origin_is_told(alps: Installation) -> None:
    said = alps.run("add", "alps", "b.npy", "--x", "-3", "--y", "0")
    assert "upper-left cell moved" in said.stdout


def test_tiles_without_georeferencing_are_no_reason_for_a_warning(installation: Installation) -> None:
    bare = {"driver": "PNG", "height": 3, "width": 3, "count": 1, "dtype": "uint8"}
    with (
        pytest.warns(NotGeoreferencedWarning),
        rasterio.open(installation.tiles / "bare.png", "w", **bare) as raster,
    ):
        raster.write(CELLS.astype(np.uint8), 1)
    with installation.start(
        "add", "alps", "bare.png", "--x", "0", "--y", "0", "--create", "--json"
    ) as process:
        stdout, stderr = process.communicate()
    assert process.returncode == 0
    assert '"revision": 1' in stdout
    assert [line for line in stderr.splitlines() if not line.startswith("Made a new catalogue")] == []


def test_a_taken_port_is_named_before_anything_starts(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert installation.run("migrate").code == 0
        said = installation.run("serve", "--port", str(port))
    assert (said.code, said.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in said.complaint
    assert "ZIGGURAT_PORT" in said.complaint


def test_ctrl_c_exits_130_publishes_nothing_and_the_next_build_goes_on(
    installation: Installation,
) -> None:
    cells = np.random.default_rng(0).integers(0, 30000, (6000, 6000), dtype=np.int16)
    np.save(installation.tiles / "large.npy", cells)
    assert installation.run("add", "large", "large.npy", "--x", "0", "--y", "0", "--create").code == 0
    with installation.start("build", "large", "--metric", "mean") as process:
        while not installation.stored_files() and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (130, "")
    told = "interrupted; finished shards are kept for the next build of this terrain"
    assert stderr.splitlines()[-1] == f"error: {told}"
    assert "Traceback" not in stderr
    assert not [path for path in installation.stored_files() if path.endswith(".zarr/zarr.json")]
    states = installation.run("info", "large", "--json").document["pyramids"]
    assert {pyramid["state"] for pyramid in states} == {"absent"}
    assert installation.run("build", "large", "--metric", "mean").code == 0
    assert installation.run("verify", "large").code == 0


def test_two_processes_register_and_build_the_same_terrain_at_once(installation: Installation) -> None:
    assert installation.run("create", "alps").code == 0
    adding = [
        installation.start("add", "alps", name, "--x", x, "--y", "0")
        for name, x in (("a.npy", "0"), ("b.npy", "3"))
    ]
    assert_all_succeed(adding)
    told = installation.run("info", "alps", "--json").document["terrain"]
    assert (told["tile_count"], told["revision"], told["size"]) == (2, 2, {"height": 3, "width": 6})
    assert_all_succeed([installation.start("build", "alps") for _ in range(2)])
    ready = installation.run("info", "alps", "--json").document["pyramids"][0]
    assert ready["state"] == "ready"
    latest = json.loads((installation.store_folder / "alps" / "max" / "latest.json").read_text())
    assert latest["generation"] == ready["generation"]
    top = xarray.open_dataset(ready["store_url"], engine="zarr", group="3")
    assert top["elevation"].values.tolist() == [[87]]


def assert_all_succeed(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr


def test_a_table_is_registered_with_a_bar_of_progress_or_as_json(installation: Installation) -> None:
    table = installation.folder / "tiles.csv"
    table.write_text("url,x,y,height,width,dtype\na.npy,0,0,3,3,int16\nb.npy,3,0,,,\n")
    added = installation.run("add", "alps", "--table", "tiles.csv", "--create")
    assert added.stdout == "2 tiles registered; terrain alps is at revision 1.\n"
    assert "Reading rows" in added.stderr
    again = installation.run("add", "alps", "--table", str(table), "--json")
    assert again.stderr == ""
    told = again.document
    assert (told["state"], told["rows_registered"], told["revision"]) == ("done", 2, 1)
    assert installation.run("build", "alps").code == 0


def test_bad_rows_of_a_table_are_listed_by_line(installation: Installation) -> None:
    table = installation.folder / "tiles.ndjson"
    table.write_text('{"url": "a.npy", "x": 0, "y": 0}\n{"url": "c.npy"}\n{"y": 1}\n')
    said = installation.run("add", "alps", "--table", str(table), "--create")
    assert (said.code, said.stdout) == (1, "")
    assert said.stderr.splitlines()[-3:] == [
        "error: 2 rows cannot be registered, so none was; mend the table and send it again:",
        "  - line 2: c.npy: no such file below the tile root (ZIGGURAT_TILE_ROOT)",
        "  - line 3: url: Field required",
    ]
    said = installation.run("add", "alps", "--table", str(table), "--json")
    assert (said.code, said.document["problem_count"], said.stderr) == (1, 2, "")
    assert installation.run("info", "alps", "--json").document["terrain"]["tile_count"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("alps", "--table", "none.csv"), "none.csv"),
        (("alps", "--table", "a.txt"), "a.txt: a table is named *.ndjson, *.jsonl, *.csv"),
        (("alps", "a.npy", "--table", "a.csv"), "a --table says everything of its tiles"),
        (("alps", "--table", "a.csv", "--priority", "1"), "a --table says everything of its tiles"),
        (("alps",), "name sources, or a --table of them"),
    ],
)
def test_a_table_that_cannot_be_one_is_wrong_usage(
    installation: Installation, arguments: tuple[str, ...], said: str
) -> None:
    for name in ("a.txt", "a.csv"):
        (installation.folder / name).touch()
    refused = installation.run("add", *arguments)
    assert refused.code == 2
    assert said in refused.complaint


def test_a_table_that_is_interrupted_is_told_as_failed(installation: Installation) -> None:
    installation.run("create", "alps")
    for number in range(2, 6000):
        (installation.tiles / f"{number}.npy").hardlink_to(installation.tiles / "a.npy")
    table = installation.folder / "tiles.csv"
    table.write_text("url,x,y\n" + "".join(f"{number}.npy,{number},0\n" for number in range(2, 6000)))
    process = installation.start("add", "alps", "--table", str(table))
    until = time.monotonic() + 60
    with installation.house() as house:
        while not count_staged(house):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 130
        with house.database.read() as session:
            jobs = session.scalars(select(Registration)).all()
        assert [(job.state, job.failure and job.failure["error"]) for job in jobs] == [
            ("failed", "RegistrationAbandoned")
        ]
        assert not count_staged(house)


def count_staged(house: House) -> int:
    with house.database.read() as session:
        return session.scalars(select(func.count()).select_from(StagedTile)).one()
