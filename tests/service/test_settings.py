"""Settings: documented, with defaults that work, and clear words for values that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import PREFIX, Settings, closest_setting


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)


def given(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Settings:
    """Settings from an environment."""
    for name, value in settings.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)
    return Settings()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")


def test_defaults_lie_below_data_and_serve_this_machine_only() -> None:
    settings = Settings()
    assert settings.database_url == "sqlite:///data/catalog.db"
    assert settings.store_url == Path("data/pyramids")
    assert settings.tile_root == (Path("data/tile"),)
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)


def test_the_environment_wins_over_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch, PORT="9000", MAX_CELLS="100", BUILD_WAIT_S="0.5")
    assert (settings.port, settings.max_cells, settings.build_wait_s) == (9000, 100, 0.5)


def test_tile_roots_are_separated_as_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, TILE_ROOT="/a:b").tile_root == (Path("/a"), Path("b"))


def test_metrics_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, METRICS="a:b, c.d:e").metrics == ("a:b", "c.d:e")
    assert given(monkeypatch, METRICS="").metrics == ()


def test_home_is_written_as_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/anna")
    settings = given(monkeypatch, TILE_ROOT="~/tiles", STORE_URL="~/pyramids")
    assert settings.tile_root == (Path("/anna/tiles"),)
    assert settings.store_url == Path("/anna/pyramids")


@pytest.mark.parametrize("name", ["TILE_ROOT", "STORE_URL", "PORT", "DATABASE_URL"])
def test_an_empty_setting_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert given(monkeypatch, **{name: ""}) == Settings.model_construct()


def test_a_store_may_be_a_file_url(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, STORE_URL="file:///srv/pyramids").store_url == Path("/srv/pyramids")


@pytest.mark.parametrize("url", ["s3://bucket", "s3://my.bucket-2/pyramids/of/2026"])
def test_a_store_may_be_a_bucket(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert given(monkeypatch, STORE_URL=url).store_url == url


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "http", "valid integer"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("MAX_CELLS", "0", "greater than or equal to 1"),
        ("REQUEST_THREADS", "-1", "greater than or equal to 1"),
        ("BUILD_WAIT_S", "soon", "valid number"),
        ("STORE_URL", "gs://bucket/pyramids", "gs:// stores are not supported"),
        ("STORE_URL", "s3://", "an S3 store is named"),
        ("STORE_URL", "s3://key:secret@bucket", "an S3 store is named"),
        ("STORE_URL", "s3://bucket/a//b", "an S3 store is named"),
        ("STORE_URL", "s3://bucket/?x=1", "an S3 store is named"),
        ("STORE_URL", "file://", "empty"),
        ("TILE_ROOT", "/a:", "empty"),
    ],
)
def test_a_bad_value_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        given(monkeypatch, **{name: value})
    assert refused.value.errors()[0]["loc"][0] == name.lower()


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [("STOR_URL", "store_url"), ("TILE_ROOTS", "tile_root"), ("MEMORY", "memory_budget"), ("xyz", None)],
)
def test_a_mistyped_name_is_refused_and_the_closest_one_is_known(
    monkeypatch: pytest.MonkeyPatch, mistyped: str, meant: str | None
) -> None:
    with pytest.raises(ValidationError) as refused:
        given(monkeypatch, **{mistyped: "secret", "PORT": "http"})
    unknown, wrong = sorted(refused.value.errors(), key=lambda each: each["type"])
    assert (unknown["type"], unknown["loc"]) == ("extra_forbidden", (mistyped.lower(),))
    assert "secret" not in str(unknown)
    assert wrong["loc"] == ("port",)
    assert closest_setting(mistyped.lower()) == meant or meant is None


def test_names_of_the_tests_and_the_scripts_and_empty_ones_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert given(monkeypatch, TEST_DEM="/a", VENV="/b", STOR_URL="") == Settings()
