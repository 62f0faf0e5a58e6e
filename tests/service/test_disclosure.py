"""What answers say of errors, and what they keep for the log and the command line."""

from __future__ import annotations

import inspect
import logging
import sys
from pathlib import Path

import pytest

from catalog.errors import CatalogError
from disclosed import REPOSITORY, disclosed
from installations import Installation, make_installation
from raster.errors import RasterError
from rest import add_golden, open_client, problem_in
from service.disclosure import HIDDEN, detail_of
from service.errors import ServiceError

SECRET = "host=db.internal password=hunter2"  # noqa: S105 - what no answer may hold
MODULE = f"""
from raster.metrics.stepwise import Stepwise


def fail(blocks, valid):
    raise OSError({SECRET!r})


failing = Stepwise(name="failing", cell_methods="area: point", function=fail)
"""


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """One whose process finds a module with a metric that fails."""
    (tmp_path / "failing_metrics.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "failing_metrics", raising=False)
    return make_installation(tmp_path)


def test_what_foreign_code_says_is_in_the_log_and_on_the_command_line_and_not_in_answers(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    state = "/terrain/golden/pyramid/failing"
    with open_client(installation, metrics=("failing_metrics:failing",)) as client:
        add_golden(installation, client)
        with caplog.at_level(logging.WARNING):
            answer = client.get(f"{state}/0")
        problem = problem_in(answer, 500, "metric-failed")
        assert (problem["metric"], problem["title"]) == ("failing", "A plug-in's metric failed")
        told = client.get(state)
        assert told.json()["failure"]["error"] == "MetricFailed"
        assert "metric failing" in told.json()["failure"]["detail"]
    for body in (answer.text, told.text):
        assert "hunter2" not in body
        assert disclosed(body) == []
    assert SECRET in caplog.text
    said = installation.run("build", "golden", "--metric", "failing", METRICS="failing_metrics:failing")
    assert said.code == 1
    assert f"OSError: {SECRET}" in said.complaint


@pytest.mark.parametrize("error", HIDDEN, ids=lambda error: error.__name__)
def test_data_that_are_hidden_are_data_of_their_error(error: type[Exception]) -> None:
    assert issubclass(error, RasterError | CatalogError | ServiceError)
    parameters = inspect.signature(error.__init__).parameters
    made = error(**{name: "x" for name in parameters if name != "self"})
    assert HIDDEN[error] <= vars(made).keys()
    assert detail_of(made) is None


@pytest.mark.parametrize(
    "said",
    [
        f"no such file: {REPOSITORY}/data/catalog.db",
        "[Errno 2] '/etc/ziggurat/secret.toml'",
        '  File "app.py", line 3, in main',
        "Traceback (most recent call last)",
        "<object at 0x7f00>",
        "KeyError: 'name'",
        "<class 'int'>",
        "service.routes.terrains",
        "(psycopg.errors.UndefinedTable)",
        "SELECT terrain.id FROM terrain",
        'relation "terrain" does not exist',
    ],
)
def test_what_betrays_our_inside_is_noticed_unless_the_client_has_said_it(said: str) -> None:
    assert disclosed(said) != []
    assert disclosed(f"you said {said}", [said]) == []
