"""Metrics of other distributions: found when installed, refused by name when unsound."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray

from installations import make_installation
from oracle import OracleTile
from raster.errors import MetricNameInvalid, MetricNameTaken, MetricNotImportable, MetricRefused, NotAMetric
from raster.layout import Description
from raster.metrics.plugins import load_metrics
from raster.metrics.registry import Metrics, built_in_metrics
from raster.pyramid import plan_pyramids
from readme import ROOT
from terrains import save_mosaic

EXAMPLE = ROOT / "tests" / "support" / "example_metrics"
MODULE = """
from raster.metrics.stepwise import Stepwise


def lowest(blocks, valid):
    raise ArithmeticError("no lowest")


def named(name):
    return Stepwise(name=name, cell_methods="area: point", function=lowest)


sound, again, taken, spoilt = named("lowest"), named("lowest"), named("max"), named("No Name")
number, without_name = 7, Stepwise(name=None, cell_methods="area: point", function=lowest)


class Nothing:
    def __getattr__(self, name):
        raise LookupError(name)


nothing = Nothing()
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with metrics, good and bad ones, beside one that cannot be imported."""
    (tmp_path / "own_metrics.py").write_text(MODULE)
    (tmp_path / "broken_metrics.py").write_text("raise OSError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_metrics", raising=False)
    return "own_metrics"


def test_metrics_are_named_as_module_and_object(own_module: str) -> None:
    loaded = load_metrics(built_in_metrics(), [f"{own_module}:sound"])
    assert [metric.name for metric in loaded] == [*(m.name for m in built_in_metrics()), "lowest"]
    assert loaded[:-1] == built_in_metrics()


def test_an_object_that_is_named_twice_is_one_metric(own_module: str) -> None:
    assert len(load_metrics([], [f"{own_module}:sound"] * 2)) == 1


@pytest.mark.parametrize(
    ("named", "error", "said"),
    [
        ("own_metrics", MetricNotImportable, "module:object"),
        ("", MetricNotImportable, "module:object"),
        ("own metrics:sound", MetricNotImportable, "module:object"),
        ("own_metrics:absent", MetricNotImportable, "AttributeError"),
        ("absent_metrics:sound", MetricNotImportable, "ModuleNotFoundError"),
        ("broken_metrics:sound", MetricNotImportable, "OSError: no licence"),
        ("own_metrics:number", NotAMetric, "no attribute 'name'"),
        ("own_metrics:nothing", NotAMetric, "LookupError: name"),
        ("own_metrics:without_name", NotAMetric, "its name is not of type str"),
        ("own_metrics:Nothing", NotAMetric, "class Nothing"),
        ("own_metrics:spoilt", MetricNameInvalid, "'No Name'"),
        ("own_metrics:taken", MetricNameTaken, "'max'"),
        ("own_metrics:again", MetricNameTaken, "'lowest'"),
    ],
)
def test_what_is_no_metric_is_refused_by_name(
    own_module: str, named: str, error: type[MetricRefused], said: str
) -> None:
    with pytest.raises(error) as caught:
        load_metrics(built_in_metrics(), [f"{own_module}:sound", named])
    assert caught.value.plugin == named
    assert said in caught.value.reason
    assert str(caught.value).startswith(f"metric {named}: ")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), vars(again)) == (error, str(caught.value), vars(caught.value))


def test_what_a_plugin_raised_is_kept_as_the_cause(own_module: str) -> None:
    with pytest.raises(MetricNotImportable) as caught:
        load_metrics([], ["broken_metrics:sound"])
    assert isinstance(caught.value.__cause__, OSError)


def test_a_metric_of_the_settings_fails_its_build_by_name(tmp_path: Path, own_module: str) -> None:
    installation = make_installation(tmp_path)
    np.save(installation.tiles / "cells.npy", np.zeros((3, 3), np.int16))
    assert installation.run("create", "hills").code == 0
    assert installation.run("add", "hills", "cells.npy", "--x", "0", "--y", "0").code == 0
    said = installation.run("build", "hills", "--metric", "lowest", METRICS=f" {own_module}:sound ")
    assert said.code == 1
    assert "the metric 'lowest' failed in its step 'zoom': ArithmeticError: no lowest" in said.stderr
    said = installation.run("list", METRICS=f"{own_module}:sound,{own_module}:taken")
    assert said.code == 1
    assert f"metric {own_module}:taken: another metric is called 'max'" in said.complaint


def test_a_metric_whose_code_changed_is_another_build(tmp_path: Path, own_module: str) -> None:
    (tmp_path / "tile").mkdir()
    mosaic = save_mosaic(tmp_path / "tile", [OracleTile(0, 0, np.zeros((3, 3), np.int16))])

    def key() -> str:
        (metric,) = load_metrics([], [f"{own_module}:sound"])
        about = Description(
            name="hills",
            metric=metric.name,
            cell_methods=metric.cell_methods,
            is_stepwise=metric.is_stepwise,
            generation="g",
        )
        plan = plan_pyramids(mosaic, [(metric, about)])
        return plan.key(plan.pyramids[0])

    before = key()
    assert key() == before
    (tmp_path / "own_metrics.py").write_text(MODULE.replace("no lowest", "none"))
    assert key() != before


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the example distribution is installed."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--no-compile", "--target", str(target)]
    subprocess.run([*pip, *options, str(EXAMPLE)], check=True, capture_output=True)
    return target


def test_an_installed_distribution_brings_its_metrics(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
    listed = subprocess.run(
        [sys.executable, "-c", LIST_METRICS], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert json.loads(listed.stdout) == [*Metrics(built_in_metrics()).names, "lower-median", "rms"]
    installation = make_installation(tmp_path)
    np.save(installation.tiles / "cells.npy", np.array([[3, 4, 0], [0, 0, 12]], np.int16))
    assert installation.run("create", "hills", "--unit", "m").code == 0
    assert installation.run("add", "hills", "cells.npy", "--x", "0", "--y", "0").code == 0
    building = installation.start("build", "hills", "--metric", "rms,lower-median")
    _, complaint = building.communicate()
    assert building.returncode == 0, complaint
    rms, median = (top_of(tmp_path, name) for name in ("rms", "lower-median"))
    assert rms["elevation"].item() == pytest.approx(np.sqrt((9 + 16 + 144) / 6))
    assert (rms["squares"].item(), rms["count"].item()) == (169.0, 6.0)
    assert [rms[name].attrs["units"] for name in ("elevation", "squares", "count")] == ["m", "(m)^2", "1"]
    assert rms["elevation"].attrs["cell_methods"] == "area: root_mean_square"
    assert median["elevation"].item() == 0
    assert median["elevation"].dtype == np.int16


LIST_METRICS = """
import json
from raster.metrics.plugins import load_metrics
from raster.metrics.registry import built_in_metrics
print(json.dumps([metric.name for metric in load_metrics(built_in_metrics(), [])]))
"""


def top_of(folder: Path, metric: str) -> xarray.Dataset:
    """The level of one cell of the only pyramid under a metric."""
    (root,) = (folder / "pyramids" / "hills" / metric).glob("*.zarr")
    return xarray.open_dataset(str(root), group="2", engine="zarr", mask_and_scale=False)
