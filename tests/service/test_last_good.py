"""Answers that are given again while the catalogue is away: for how long, to whom, and when not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from fastapi import Request

from catalog.errors import CatalogUnavailable, TerrainNotFound
from installations import Installation, make_installation
from rest import AppClient, add_golden, figure, open_client, problem_in
from service import last_good
from service.last_good import GoodAnswer, LastGood

PAGES = ["/terrain", "/terrain?q=golden&limit=1", "/terrain/golden", "/terrain/1"]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    with open_client(installation) as client:
        add_golden(installation, client)
        yield client


@contextmanager
def away(client: AppClient, installation: Installation) -> Iterator[None]:
    """The catalogue's file is not there meanwhile."""
    files = [installation.folder / f"catalog.db{end}" for end in ("", "-wal", "-shm")]
    client.app.state.desk.house.database.dispose()
    with ExitStack() as back:
        for file in filter(Path.exists, files):
            back.callback(file.with_suffix(".away").rename, file)
            file.rename(file.with_suffix(".away"))
        files[0].mkdir()
        back.callback(files[0].rmdir)
        yield


@pytest.mark.parametrize("page", PAGES)
def test_an_answer_is_given_again_and_says_so(
    client: AppClient, installation: Installation, page: str
) -> None:
    fresh = client.get(page)
    assert "age" not in fresh.headers
    assert "ziggurat-state" not in fresh.headers
    with away(client, installation):
        stale = client.get(page)
        assert (stale.status_code, stale.content) == (200, fresh.content)
        assert stale.headers["ziggurat-state"] == "stale"
        assert stale.headers["age"].isdecimal()
        assert stale.headers["cache-control"] == "no-store"
        for kept in ("etag", "link"):
            assert stale.headers.get(kept) == fresh.headers.get(kept)
        known = client.get(page, headers={"If-None-Match": fresh.headers["etag"]})
        assert (known.status_code, known.headers["ziggurat-state"]) == (304, "stale")
        assert client.head(page).headers["ziggurat-state"] == "stale"
    assert "ziggurat-state" not in client.get(page).headers
    assert figure(client, "ziggurat_stale_answers_total") == 3


def test_only_the_same_address_is_answered(client: AppClient, installation: Installation) -> None:
    client.get("/terrain?limit=5")
    with away(client, installation):
        for page in ("/terrain", "/terrain?limit=6", "/terrain/golden/tile", "/terrain/golden"):
            problem_in(client.get(page), 503, "catalog-unavailable")


def test_after_a_change_of_this_replica_nothing_older_is_given(
    client: AppClient, installation: Installation
) -> None:
    for page in PAGES:
        client.get(page)
    assert client.patch("/terrain/golden", json={"title": "Gold"}).status_code == 200
    client.get("/terrain/golden")
    with away(client, installation):
        assert client.get("/terrain/golden").json()["title"] == "Gold"
        problem_in(client.get("/terrain/1"), 503, "catalog-unavailable")
        problem_in(client.get("/terrain"), 503, "catalog-unavailable")


def test_a_pyramid_that_was_built_is_a_change(client: AppClient, installation: Installation) -> None:
    assert client.get("/terrain/golden").json()["pyramids"]["max"] == "absent"
    assert client.get("/terrain/golden/pyramid/max/1").status_code == 200
    with away(client, installation):
        problem_in(client.get("/terrain/golden"), 503, "catalog-unavailable")


def test_a_setting_turns_it_off(installation: Installation) -> None:
    with open_client(installation, stale_page_s=0) as client:
        client.get("/terrain")
        with away(client, installation):
            problem_in(client.get("/terrain"), 503, "catalog-unavailable")


def request(path: str) -> Request:
    return Request({"type": "http", "path": path, "query_string": b"", "headers": [], "server": ("z", 80)})


def ask(kept: LastGood, path: str, outcome: str | Exception) -> str:
    """Ask when reading has this outcome; what is answered."""

    async def read() -> GoodAnswer:
        if isinstance(outcome, Exception):
            raise outcome
        return GoodAnswer(content=outcome.encode())

    return asyncio.run(kept.answer(request(path), "list", read)).content.decode()


AWAY = CatalogUnavailable("away")


def test_what_is_known_to_be_gone_is_not_given(installation: Installation) -> None:
    with installation.house() as house:
        kept = LastGood(house)
        assert ask(kept, "/a", "there") == "there"
        with pytest.raises(TerrainNotFound):
            ask(kept, "/a", TerrainNotFound("a"))
        with pytest.raises(CatalogUnavailable):
            ask(kept, "/a", AWAY)


def test_what_was_read_while_it_was_changed_is_not_given(installation: Installation) -> None:
    with installation.house() as house:
        kept = LastGood(house)

        async def read() -> GoodAnswer:
            with house.database.write():
                pass
            return GoodAnswer(content=b"before or after?")

        asyncio.run(kept.answer(request("/a"), "list", read))
        with pytest.raises(CatalogUnavailable):
            ask(kept, "/a", AWAY)


def test_an_answer_grows_too_old(installation: Installation) -> None:
    with installation.house(stale_page_s=0.05) as house:
        kept = LastGood(house)
        ask(kept, "/a", "young")
        assert ask(kept, "/a", AWAY) == "young"
        asyncio.run(asyncio.sleep(0.06))
        with pytest.raises(CatalogUnavailable):
            ask(kept, "/a", AWAY)


def test_memory_is_bounded_and_what_was_read_last_is_kept(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_good, "MOST_BYTES", 1000)
    with installation.house() as house:
        kept = LastGood(house)
        for name in "abc":
            ask(kept, f"/{name}", name * 400)
        ask(kept, "/b", "b" * 400)
        ask(kept, "/d", "d" * 400)
        ask(kept, "/huge", "h" * 1000)
        assert kept._byte_count <= 1000
        with pytest.raises(CatalogUnavailable):
            ask(kept, "/huge", AWAY)
        for _ in range(100):
            ask(kept, "/a", "a" * 400)
        assert ask(kept, "/a", AWAY) == "a" * 400
        assert 0 < kept._byte_count <= 1000
