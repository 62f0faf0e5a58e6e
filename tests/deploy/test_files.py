"""The files under deploy/: what linters say of them, and that they fit the project and each other."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from installations import make_installation
from readme import ROOT
from rest import serve
from service.body_limits import LARGEST_BODY_BYTES
from service.settings import PREFIX, Settings

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
COMPOSE = DEPLOY / "compose.yaml"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
PROXY = (DEPLOY / "haproxy.cfg").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMAGE = f"ziggurat:{PROJECT['project']['version']}"


def read_yaml(path: Path) -> list[Any]:
    """A file's documents; a key that is there twice is an error."""
    return list(YAML(typ="safe").load_all(path))


RESOURCES = {document["kind"]: document for path in MANIFESTS for document in read_yaml(path)}
"""By kind; of the claims for volumes, the last one."""

SERVICES: dict[str, Any] = read_yaml(COMPOSE)[0]["services"]


def pods() -> dict[str, Any]:
    """What a pod of each workload is made of."""
    return {kind: RESOURCES[kind]["spec"]["template"]["spec"] for kind in ("Deployment", "Job")}


# Linters


@pytest.mark.parametrize(
    "command",
    [
        ("hadolint", DOCKERFILE),
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE),
        ("kubernetes-validate", "--strict", *MANIFESTS),
    ],
    ids=lambda command: command[0],
)
def test_a_linter_finds_nothing(command: tuple[str | Path, ...]) -> None:
    program, *arguments = command
    done = subprocess.run(
        [Path(sys.executable).parent / str(program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


# Settings


def test_every_setting_that_is_named_exists() -> None:
    texts = [path for path in DEPLOY.rglob("*") if path.is_file()] + [ROOT / "docs" / "deployment.md"]
    named = {name for path in texts for name in re.findall(rf"{PREFIX}\w+", path.read_text())}
    assert f"{PREFIX}DATABASE_URL" in named
    assert named <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize(
    "environment",
    [RESOURCES["ConfigMap"]["data"], SERVICES["replica-1"]["environment"]],
    ids=["Kubernetes", "Compose"],
)
def test_settings_are_valid_and_leave_nobody_in_without_a_key(environment: dict[str, str]) -> None:
    with patch.dict(os.environ, environment | {f"{PREFIX}HOST": "0.0.0.0"}):  # noqa: S104 - as in the image
        settings = Settings()
    assert settings.requires_keys
    assert settings.allowed_hosts
    assert settings.database_url.startswith("postgresql://")


def test_links_to_services_are_no_settings() -> None:
    assert RESOURCES["Service"]["metadata"]["name"] == "ziggurat"
    with (
        patch.dict(os.environ, {f"{PREFIX}PORT": "tcp://10.0.0.1:8080"}),
        pytest.raises(ValidationError),
    ):
        Settings()
    assert [pod["enableServiceLinks"] for pod in pods().values()] == [False, False]


# The image


def instructions(word: str) -> list[str]:
    """What follows a word of the Dockerfile; continued lines are one."""
    lines = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{word} ")]


def copied() -> Iterator[str]:
    """What the image takes from the project."""
    for instruction in instructions("COPY"):
        if not instruction.startswith("--from="):
            *sources, _ = instruction.split()
            yield from sources


def test_the_builder_is_sent_what_is_copied_and_no_more() -> None:
    kept = re.findall(r"^!/(.+?)/?$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert sorted(kept) == sorted(copied())


def test_what_is_copied_installs_and_makes_a_catalogue(tmp_path: Path) -> None:
    source, site, elsewhere = tmp_path / "source", tmp_path / "site", tmp_path / "elsewhere"
    for folder in (source, elsewhere):
        folder.mkdir()
    for name in copied():
        (source / name).symlink_to(ROOT / name)
    (install,) = (step for step in instructions("RUN") if step.endswith(" ."))
    command = [
        sys.executable,
        "-m",
        *shlex.split(install)[:-1],
        "--quiet",
        "--target",
        str(site),
        str(source),
    ]
    subprocess.run(command, check=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    done = subprocess.run(
        [sys.executable, "-P", site / "bin" / "ziggurat", "migrate"],
        cwd=elsewhere,
        env=clean | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "is up to date" in done.stdout
    assert (elsewhere / "data" / "catalog.db").exists()


def test_health_is_checked_on_the_port_that_is_set(tmp_path: Path) -> None:
    (instruction,) = instructions("HEALTHCHECK")
    python, *arguments = json.loads(instruction.partition("CMD ")[2])
    assert python == "python"
    with serve(make_installation(tmp_path)) as address:
        port = address.rpartition(":")[2]
        assert health_of(arguments, port).returncode == 0
    assert b"ConnectionRefused" in health_of(arguments, port).stderr


def health_of(arguments: list[str], port: str) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {f"{PREFIX}PORT": port}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)


def test_the_image_is_of_this_version_and_runs_as_nobody_in_particular() -> None:
    images = {pod["containers"][0]["image"] for pod in pods().values()}
    images |= {service["image"] for name, service in SERVICES.items() if name not in {"database", "proxy"}}
    assert images == {IMAGE}
    assert IMAGE in DOCKERFILE.read_text()
    user = int(instructions("USER")[-1].partition(":")[0])
    for pod in pods().values():
        assert pod["securityContext"]["runAsUser"] == user
        assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert all(SERVICES[name]["read_only"] for name in ("replica-1", "replica-2", "migrate", "proxy"))


# Times and sizes


def proxy_seconds(name: str) -> int:
    (seconds,) = re.findall(rf"^ +timeout {name} (\d+)s$", PROXY, re.MULTILINE)
    return int(seconds)


def test_the_proxy_waits_longer_than_the_service_and_takes_bodies_as_large() -> None:
    assert proxy_seconds("server") > Settings().max_build_wait_s + 10
    (largest,) = re.findall(r"req.body_size gt (\d+)", PROXY)
    assert LARGEST_BODY_BYTES < int(largest) < 2 * LARGEST_BODY_BYTES


def test_who_stops_a_replica_gives_it_time_for_the_requests_under_way() -> None:
    needed_s = Settings().drain_s + Settings().stop_s + 10  # and the shard that a build is at
    assert pods()["Deployment"]["terminationGracePeriodSeconds"] >= needed_s
    assert int(SERVICES["replica-1"]["stop_grace_period"].removesuffix("s")) >= needed_s


def test_who_routes_requests_sees_in_time_that_a_replica_leaves() -> None:
    (interval, fall) = re.findall(r"check inter (\d+)s fall (\d+)", PROXY)[0]
    probe = pods()["Deployment"]["containers"][0]["readinessProbe"]
    for seconds in (int(interval) * int(fall), probe["periodSeconds"] * probe["failureThreshold"]):
        assert seconds < Settings().drain_s
    assert proxy_seconds("http-keep-alive") < Settings().keep_alive_s


def test_errors_of_the_proxy_are_problems() -> None:
    errors = re.findall(
        r"http-error status (\d+) content-type application/problem\+json string '(.+?)'", PROXY
    )
    assert {int(status) for status, _ in errors} == {400, 404, 408, 413, 502, 503, 504}
    for status, problem in errors:
        assert json.loads(problem)["status"] == int(status)


# Kubernetes


def test_the_service_and_the_budget_are_for_the_replicas_alone() -> None:
    replica = RESOURCES["Deployment"]["spec"]["template"]
    labels = replica["metadata"]["labels"]
    selectors = [RESOURCES[kind]["spec"]["selector"] for kind in ("Deployment", "PodDisruptionBudget")]
    assert [selector["matchLabels"] for selector in selectors] == [labels, labels]
    assert RESOURCES["Service"]["spec"]["selector"] == labels
    assert RESOURCES["Job"]["spec"]["template"]["metadata"]["labels"] != labels
    (port,) = RESOURCES["Service"]["spec"]["ports"]
    assert port["targetPort"] in {each["name"] for each in replica["spec"]["containers"][0]["ports"]}
