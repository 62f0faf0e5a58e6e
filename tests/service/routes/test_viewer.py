"""The viewer's page and files as they are served, without a browser."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from installations import Installation
from rest import AppClient, add_golden, open_client, problem_in
from service.request_errors import ViewerFileNotFound
from service.viewer_answers import POLICY
from service.viewer_files import FOLDER, MAP_LIBRARY, MEDIA_TYPES, ViewerFiles

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def client(shared_installation: Installation) -> Iterator[AppClient]:
    with open_client(shared_installation) as client:
        add_golden(shared_installation, client)
        yield client


@pytest.mark.parametrize("path", ["/", "/terrain/golden", "/terrain/not-there"])
def test_who_likes_html_better_gets_the_page(client: AppClient, path: str) -> None:
    answer = client.get(path, headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"] == POLICY
    assert "Accept" in answer.headers["vary"]
    assert b"/viewer/main.js" in answer.content
    tag = answer.headers["etag"]
    assert client.get(path, headers={**BROWSER, "If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "application/json, text/html", "text/html;q=0.5, */*"]
)
def test_everybody_else_gets_json(client: AppClient, accept: str | None) -> None:
    answer = client.get("/terrain/golden", headers={} if accept is None else {"Accept": accept})
    assert answer.json()["name"] == "golden"
    assert "Accept" in answer.headers["vary"]


def test_lists_tiles_and_pyramids_are_json_for_browsers_too(client: AppClient) -> None:
    for path in ("/terrain", "/terrain/golden/tile", "/terrain/golden/pyramid"):
        assert client.get(path, headers=BROWSER).headers["content-type"] == "application/json"


def test_the_page_is_asked_for_without_query_parameters(client: AppClient) -> None:
    problem_in(client.get("/?metric=max", headers=BROWSER), 422, "parameter-unknown")


def own_files() -> list[str]:
    names = (path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES)
    return sorted(name for name in names if not name.startswith("packages/"))


@pytest.mark.parametrize("name", own_files())
def test_every_file_is_served_as_what_it_is(client: AppClient, name: str) -> None:
    answer = client.get(f"/viewer/{name}", headers={"Accept-Encoding": "identity"})
    assert answer.content == (FOLDER / name).read_bytes()
    assert answer.headers["content-type"] == MEDIA_TYPES[Path(name).suffix]
    # a worker obeys the policy that came with its own file
    assert answer.headers["content-security-policy"] == POLICY


def test_files_are_packed_for_who_can_unpack_them_and_known_again(client: AppClient) -> None:
    plain = client.get("/viewer/main.js", headers={"Accept-Encoding": "identity"})
    packed = client.get("/viewer/main.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content  # unpacked by the client
    assert packed.headers["etag"] != plain.headers["etag"]
    asked = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]}
    assert client.get("/viewer/main.js", headers=asked).status_code == 304
    assert client.head("/viewer/main.js").headers["etag"] == packed.headers["etag"]


@pytest.mark.parametrize(
    "name",
    ["", "none.js", "base", "base/", "main.js/", "..%2Fmain.js", ".%2E/main.js", "base%2F..%2Fmain.js"],
)
def test_nothing_else_is_served(client: AppClient, name: str) -> None:
    problem_in(client.get(f"/viewer/{name}"), 404)


def test_a_file_that_lies_beside_the_folder_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "viewer").mkdir()
    (tmp_path / "secret.js").write_text("secret")
    files = ViewerFiles(tmp_path / "viewer")
    for name in ("../secret.js", "./../secret.js", f"{tmp_path}/secret.js", "a/../../secret.js"):
        with pytest.raises(ViewerFileNotFound):
            files.get(name)


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("one")
    files = ViewerFiles(tmp_path)
    first = files.get("a.js")
    assert files.get("a.js") is first
    (tmp_path / "a.js").write_text("two")
    os.utime(tmp_path / "a.js", ns=(0, 1))
    changed = files.get("a.js")
    assert (changed.content, gzip.decompress(changed.packed)) == (b"two", b"two")
    assert changed.etag != first.etag


def test_the_page_knows_whether_the_library_for_maps_was_fetched(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes((FOLDER / "index.html").read_bytes())
    files = ViewerFiles(tmp_path)
    before = files.get_page()
    (tmp_path / MAP_LIBRARY).parent.mkdir(parents=True)
    (tmp_path / MAP_LIBRARY).touch()
    after = files.get_page()
    assert (b'data-map="absent"' in before.content, b'data-map="present"' in after.content) == (True, True)
    assert before.etag != after.etag


def test_where_reading_takes_a_key_the_page_does_not_but_what_it_shows_does(
    installation: Installation,
) -> None:
    with open_client(installation, auth="keys", public_reading=False) as client:
        for path in ("/", "/terrain/golden", "/viewer/main.js"):
            assert client.get(path, headers=BROWSER).status_code == 200
        for path in ("/terrain/golden", "/terrain"):
            problem_in(client.get(path), 401)
        problem_in(client.post("/terrain/golden", headers=BROWSER), 401)
        problem_in(client.get("/terrain/golden/pyramid", headers=BROWSER), 401)
