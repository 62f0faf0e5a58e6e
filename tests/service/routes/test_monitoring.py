"""Figures for Prometheus: what is counted, under which labels, and that no label is a client's to make up."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from held_metric import METRICS, held_builds
from installations import Installation, make_installation
from readme import section
from rest import AppClient, add_golden, figure, open_client, problem_in, serve, until
from service.tally import RETRIES

LEVEL = "/terrain/golden/pyramid/max/1"
REQUESTS = "ziggurat_request_seconds_count"


def test_requests_are_counted_by_template_method_and_class_of_status(
    installation: Installation, client: AppClient
) -> None:
    add_golden(installation, client)
    for terrain in ("golden", "1", "missing-one"):
        client.get(f"/terrain/{terrain}?")
    client.head("/terrain/golden")
    client.request("PUT", "/terrain/golden")
    template = "/terrain/{terrain}"
    assert figure(client, REQUESTS, method="GET", route=template, status="2xx") == 2
    assert figure(client, REQUESTS, method="GET", route=template, status="4xx") == 1
    assert figure(client, REQUESTS, method="HEAD", route=template, status="2xx") == 1
    assert figure(client, REQUESTS, route=template) == 5
    assert 0 < figure(client, "ziggurat_request_seconds_sum", method="GET", route=template) < 60


def test_what_a_client_makes_up_is_no_label(client: AppClient) -> None:
    for n in range(5):
        client.get(f"/secret-{n}/{n}")
        client.request(f"BREW{n}", "/terrain")
    assert figure(client, REQUESTS, method="GET", route="unmatched", status="4xx") == 5
    assert figure(client, REQUESTS, method="other", route="/terrain", status="4xx") == 5
    text = client.get("/metrics").text
    assert "secret" not in text
    assert "BREW" not in text


def test_who_is_sent_away_is_counted_by_the_reason(tmp_path: Path) -> None:
    installation = make_installation(tmp_path)  # a file is easily broken
    with open_client(installation) as client:
        client.app.state.desk.house.database.dispose()
        (installation.folder / "catalog.db").write_bytes(b"no database")
        for _ in range(3):
            problem_in(client.get("/terrain"), 503)
        client.app.state.readiness.drain()
        client.get("/health/ready")
        assert figure(client, "ziggurat_sheds_total", reason="catalog-unavailable") == 3
        assert figure(client, "ziggurat_sheds_total", reason="not-ready") == 1
        assert figure(client, REQUESTS, route="/terrain", status="5xx") == 3


def test_a_defect_is_counted_as_5xx(client: AppClient) -> None:
    async def defect() -> None:
        raise ZeroDivisionError

    client.app.add_api_route("/defect", defect)
    problem_in(client.get("/defect"), 500, "internal-error")
    assert figure(client, REQUESTS, route="/defect", status="5xx") == 1
    assert figure(client, "ziggurat_sheds_total") == 0


def test_builds_are_counted_by_outcome(installation: Installation) -> None:
    with (
        serve(installation, metrics=(METRICS,)) as address,
        httpx.Client(base_url=address, timeout=30) as client,
        held_builds(installation.folder) as hold,
    ):
        add_golden(installation, client)
        assert figure(client, "ziggurat_builds_finished_total") == 0
        level = "/terrain/golden/pyramid/held/1"
        assert client.get(level, headers={"Prefer": "wait=0"}).status_code == 202
        until(lambda: figure(client, "ziggurat_builds_started_total", metric="held") == 1)
        assert figure(client, "ziggurat_builds_running") == 1
        hold.open()
        assert client.get(level).status_code == 200
        installation.tile_file("east.npy").unlink()
        problem_in(client.get("/terrain/golden/pyramid/mean/1"), 502)
        assert figure(client, "ziggurat_builds_started_total") == 2
        assert figure(client, "ziggurat_builds_finished_total", outcome="published") == 1
        assert figure(client, "ziggurat_builds_finished_total", outcome="failed") == 1
        assert 0 < figure(client, "ziggurat_build_seconds_total", outcome="published") < 60
        assert figure(client, "ziggurat_builds_running") == 0


def test_reads_of_the_store_and_what_is_wrong_with_it_are_counted(
    installation: Installation, client: AppClient
) -> None:
    add_golden(installation, client)
    for _ in range(3):
        assert client.get(LEVEL).status_code == 200
    assert figure(client, "ziggurat_store_reads_total", outcome="read") == 3
    (chunk,) = (installation.store_folder).glob("golden/max/*.zarr/2/elevation/c/0/0")
    chunk.write_bytes(b"")
    problem_in(client.get("/terrain/golden/pyramid/max/2"), 503, "pyramid-corrupt")
    assert figure(client, "ziggurat_store_reads_total", outcome="corrupt") == 1
    assert figure(client, "ziggurat_sheds_total", reason="pyramid-corrupt") == 1
    assert client.get(LEVEL).status_code == 200
    assert figure(client, "ziggurat_store_reads_total", outcome="read") == 4


def test_sources_are_counted_by_what_they_are_opened_for(
    installation: Installation, client: AppClient
) -> None:
    add_golden(installation, client)
    client.get("/terrain/tile/1/stats")
    client.get(LEVEL)
    client.get(LEVEL)
    opened = {
        purpose: figure(client, "ziggurat_sources_total", purpose=purpose)
        for purpose in ("registration", "statistics", "build")
    }
    assert opened == {"registration": 2, "statistics": 1, "build": 2}


def test_whatever_is_tallied_is_shown(client: AppClient) -> None:
    client.app.state.desk.house.tally.add(RETRIES, "deadlock", 2)
    assert figure(client, "ziggurat_retries_total", reason="deadlock") == 2


def test_the_process_and_the_pool_are_shown(client: AppClient) -> None:
    assert figure(client, "process_resident_memory_bytes") > 2**20
    assert figure(client, "process_cpu_seconds_total") > 0
    assert figure(client, "ziggurat_pool_size") >= 10
    assert figure(client, "ziggurat_pool_in_use") == 0
    assert figure(client, "ziggurat_request_threads") == 8
    assert figure(client, "ziggurat_requests_in_flight") == 1, "the one that asks"


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text; version=1.0.0", "application/openmetrics-text"]
)
def test_openmetrics_is_spoken_to_who_asks_for_it(client: AppClient, accept: str) -> None:
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "ziggurat_requests_in_flight" in {family.name for family in parse_openmetrics(answer.text)}  # type: ignore[no-untyped-call]


def test_two_services_in_one_process_count_for_themselves(
    client: AppClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with open_client(make_installation(tmp_path_factory.mktemp("other"))) as other:
        for _ in range(3):
            client.get("/terrain")
        assert figure(client, REQUESTS, route="/terrain") == 3
        assert figure(other, REQUESTS, route="/terrain") == 0


def test_every_figure_is_in_the_readme_and_no_other(client: AppClient) -> None:
    shown = set(re.findall(r"^# TYPE (ziggurat_\w+) ", client.get("/metrics").text, re.MULTILINE))
    written = set(re.findall(r"`(ziggurat_\w+)`", section("Running it")))
    assert written == {name for name in shown if not name.endswith("_created")}
