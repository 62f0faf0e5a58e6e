"""`ziggurat key`, and when `ziggurat serve` starts."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import httpx
import pytest

from catalog.column_types import utc_now
from catalog.repository.keys import Scope
from installations import Installation
from service.keys import SHAPE, issue_key

SAID = re.compile(r"Ziggurat listens on http://\S+:(\d+);")


# Commands


def test_a_key_is_printed_once_and_alone_on_standard_output(installation: Installation) -> None:
    made = installation.run("key", "create", "nightly import", "--scope", "build", "--days", "30")
    key = made.stdout.strip()
    assert SHAPE.fullmatch(key)
    prefix, _, secret = key.partition(".")
    assert f"Key {prefix} of scope build is good until " in made.stderr
    assert "not shown again" in made.stderr
    listed = installation.run("key", "list")
    for word in (f" {prefix} ", "nightly", "build", "usable"):
        assert word in listed.stdout
    assert secret not in listed.stdout + made.stderr + installation.run("key", "list", "--json").stdout


def test_json_tells_all_of_a_key(installation: Installation) -> None:
    made = installation.run("key", "create", "ci", "--days", "7", "--json").document
    assert made["key"].partition(".")[0] == made["prefix"]
    lifetime = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert abs(lifetime - timedelta(days=7)) < timedelta(seconds=10)
    (listed,) = installation.run("key", "list", "--json").document["keys"]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert (listed["state"], listed["scope"], listed["last_used_at"]) == ("usable", "write", None)


def test_keys_are_listed_with_what_became_of_them(installation: Installation) -> None:
    with installation.house() as house:
        issue_key(house, "old", Scope.READ, timedelta(seconds=-1))
        issue_key(house, "[red]", Scope.READ, None)
        prefix = issue_key(house, "lost", Scope.WRITE, None).key.prefix
    said = installation.run("key", "revoke", prefix)
    assert (said.code, said.stdout) == (0, f"Key {prefix} (lost) is revoked.\n")
    states = [
        (key["label"], key["state"]) for key in installation.run("key", "list", "--json").document["keys"]
    ]
    assert states == [("old", "expired"), ("[red]", "usable"), ("lost", "revoked")]
    assert "[red]" in installation.run("key", "list").stdout
    again = installation.run("key", "revoke", prefix, "--json").document
    assert datetime.fromisoformat(again["revoked_at"]) < utc_now()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create",), 2, "Missing argument 'label'"),
        (("create", " "), 2, "is not 1 to 200 printable characters"),
        (("create", "a\nb"), 2, "is not 1 to 200 printable characters"),
        (("create", "a" * 201), 2, "is not 1 to 200 printable characters"),
        (("create", "a", "--scope", "admin"), 2, "--scope"),
        (("create", "a", "--days", "0"), 2, "--days"),
        (("revoke", "zig_0"), 1, "no API key 'zig_0'; `ziggurat key list` names those there are"),
    ],
)
def test_what_cannot_be_a_key_is_refused(
    installation: Installation, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert installation.run("migrate").code == 0
    refused = installation.run("key", *arguments)
    assert (refused.code, refused.stdout) == (code, "")
    assert said in refused.complaint


# Starting: real processes on real addresses


@contextmanager
def started(installation: Installation, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`ziggurat serve` on a free port, and its address on this machine."""
    with installation.start("serve", "--port", "0", **settings) as process:
        try:
            yield process, f"http://127.0.0.1:{port_of(process)}"
        finally:
            process.terminate()
            process.communicate(timeout=60)


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    for line in process.stderr:
        if said := SAID.search(line):
            return int(said[1])
    pytest.fail("the service does not start")


def ask(method: str, url: str, **options: object) -> httpx.Response:
    """An answer, as soon as the service accepts connections."""
    for _ in range(600):
        try:
            return httpx.request(method, url, **options)  # type: ignore[arg-type]
        except httpx.ConnectError:
            time.sleep(0.05)
    pytest.fail("the service does not answer")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost.example"])  # noqa: S104
def test_where_others_can_reach_it_nothing_starts_without_a_key(
    installation: Installation, host: str
) -> None:
    with installation.start("serve", "--host", host, "--port", "0") as process:
        try:
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()  # should it have started after all
    assert (process.returncode, stdout) == (1, "")
    complaint = stderr.splitlines()[-1]
    assert complaint.startswith(f"error: others can reach {host}, and there is no API key yet")
    for way_out in ("`ziggurat key create`", "ZIGGURAT_AUTH", "`open`"):
        assert way_out in complaint
    assert "listens" not in stderr


def test_keys_of_no_use_do_not_open_a_service(installation: Installation) -> None:
    with installation.house() as house:
        issue_key(house, "old", Scope.WRITE, timedelta(seconds=-1))
        revoked = issue_key(house, "lost", Scope.WRITE, None).key.prefix
    assert installation.run("key", "revoke", revoked).code == 0
    assert installation.run("serve", HOST="0.0.0.0").code == 1  # noqa: S104


def test_with_a_key_it_starts_and_only_the_key_writes(installation: Installation) -> None:
    key = installation.run("key", "create", "ci").stdout.strip()
    with started(installation, HOST="0.0.0.0") as (_, address):  # noqa: S104
        assert ask("GET", f"{address}/terrain").status_code == 200
        assert ask("POST", f"{address}/terrain", json={"name": "alps"}).status_code == 401
        header = {"Authorization": f"Bearer {key}"}
        made = ask("POST", f"{address}/terrain", json={"name": "alps"}, headers=header)
        assert made.status_code == 201
        assert "server" not in made.headers


def test_asked_for_keys_it_starts_without_and_is_closed_until_there_is_one(
    installation: Installation,
) -> None:
    with started(installation, AUTH="keys") as (_, address):
        assert ask("POST", f"{address}/terrain", json={"name": "alps"}).status_code == 401
        header = {"Authorization": f"Bearer {installation.run('key', 'create', 'ci').stdout.strip()}"}
        assert ask("POST", f"{address}/terrain", json={"name": "alps"}, headers=header).status_code == 201


@pytest.mark.parametrize("settings", [{"HOST": "0.0.0.0", "AUTH": "open"}, {}], ids=["told so", "loopback"])  # noqa: S104
def test_an_open_service_starts_without_a_key_and_everybody_writes(
    installation: Installation, settings: dict[str, str]
) -> None:
    with started(installation, **settings) as (_, address):
        assert ask("POST", f"{address}/terrain", json={"name": "alps"}).status_code == 201
