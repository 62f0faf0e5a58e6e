"""The table of problems: every error of ours has a row, and each row answers as it says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn, get_type_hints

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from catalog.errors import CatalogError, Cause
from raster.errors import RasterError, SourceError, SourceNotFound
from rest import AppClient, problem_in
from service.description.problems import problem_responses
from service.disclosure import HIDDEN
from service.errors import ServiceError
from service.problem_statuses import STATUSES
from service.problems import install_problems, type_of
from service.request_ids import RequestIds

SAMPLES: dict[Any, Any] = {
    str: "Möwe \udc80 \x00",
    int: 2**70,
    float: 0.5,
    Cause: Cause.LOCK,
    tuple[str, ...]: ("a", "b"),
    list[str]: ["c", "d"],
    list[RasterError]: [SourceNotFound("a.npy", "is not there"), SourceNotFound("b.npy", "neither")],
    Sequence[SourceError]: [SourceNotFound("a.npy", "is not there"), SourceNotFound("b.npy", "neither")],
    str | None: None,
    int | str: "alps",
    Mapping[str, Any]: {},
}


def leaves(error: type[Exception]) -> Iterator[type[Exception]]:
    """Errors without a special case below them."""
    below = error.__subclasses__()
    if not below:
        yield error
    for each in below:
        yield from leaves(each)


OURS = {leaf for base in (RasterError, CatalogError, ServiceError) for leaf in leaves(base)}


def sample_of(error: type[Exception]) -> Exception:
    """An error with data that are hard to write down."""
    parameters = get_type_hints(error.__init__)
    names = [name for name in inspect.signature(error.__init__).parameters if name != "self"]
    return error(**{name: SAMPLES[parameters[name]] for name in names})


class Raised:
    """A service whose one route raises whatever it holds."""

    def __init__(self) -> None:
        self.error: BaseException = RuntimeError()
        self.app = FastAPI()
        self.app.get("/", response_model=None)(self._fail)
        install_problems(self.app)
        self.app.add_middleware(RequestIds)

    async def _fail(self) -> NoReturn:
        raise self.error


@pytest.fixture(scope="module")
def raised() -> Raised:
    return Raised()


@pytest.fixture(scope="module")
def client(raised: Raised) -> Iterator[AppClient]:
    transport = httpx.ASGITransport(raised.app, raise_app_exceptions=False)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            httpx.AsyncClient(transport=transport, base_url="http://z")
        ) as each,
    ):
        yield AppClient(portal, each, raised.app)


def test_every_error_of_ours_has_a_row_and_nothing_else_has() -> None:
    assert set(STATUSES) == OURS


def test_every_row_has_a_type_of_its_own() -> None:
    assert len({type_of(error) for error in STATUSES}) == len(STATUSES)


@pytest.mark.parametrize("error", STATUSES, ids=lambda error: error.__name__)
def test_a_row_answers_as_it_says(client: AppClient, raised: Raised, error: type[Exception]) -> None:
    raised.error = sample_of(error)
    answer = client.get("/")
    problem = problem_in(answer, STATUSES[error], type_of(error).removeprefix("/problems/"))
    assert ("retry-after" in answer.headers) is (STATUSES[error] == HTTPStatus.SERVICE_UNAVAILABLE)
    assert answer.headers["cache-control"] == "no-store"
    hidden = HIDDEN.get(error, frozenset())
    assert ("detail" in problem) is (error not in HIDDEN)
    assert hidden.isdisjoint(problem)
    # a failure that is remembered is told as what it was
    shown = vars(raised.error).keys() - hidden - {"reasons", "error", "data"}
    assert shown <= problem.keys(), "data that are not hidden are for clients"


@pytest.mark.parametrize("error", STATUSES, ids=lambda error: error.__name__)
def test_a_rows_status_and_title_are_in_the_description(error: type[Exception]) -> None:
    described = problem_responses(error)
    title = (error.__doc__ or "").splitlines()[0].rstrip(".")
    assert title in described[int(STATUSES[error])]["description"]
    for status, response in described.items():
        assert ("headers" in response) is (status in {401, 502, 503})


def test_reasons_of_a_registration_are_problems_themselves(client: AppClient, raised: Raised) -> None:
    (refused,) = (error for error in STATUSES if error.__name__ == "RegistrationRefused")
    raised.error = sample_of(refused)
    problem = problem_in(client.get("/"), 422, "registration-refused")
    assert [(each["type"], each["source"]) for each in problem["errors"]] == [
        ("/problems/source-not-found", "a.npy"),
        ("/problems/source-not-found", "b.npy"),
    ]


@pytest.mark.parametrize("error", [KeyError("/srv/secret"), ValueError("SELECT 1"), AssertionError("secret")])
def test_a_defect_is_called_one_and_says_no_more(client: AppClient, raised: Raised, error: Exception) -> None:
    raised.error = error
    problem = problem_in(client.get("/"), 500, "internal-error")
    assert problem.keys() == {"type", "title", "status", "request_id"}


@pytest.mark.parametrize(
    ("request_id", "is_kept"),
    [
        ("my-request-1", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("a b", False),
        ("a;b", False),
        ("", False),
    ],
)
def test_a_harmless_request_id_is_kept(
    client: AppClient, raised: Raised, request_id: str, is_kept: bool
) -> None:
    raised.error = ValueError()
    problem = problem_in(client.get("/", headers={"X-Request-Id": request_id}), 500)
    assert (problem["request_id"] == request_id) is is_kept


def test_a_problem_is_ascii_whatever_was_asked_for(client: AppClient, raised: Raised) -> None:
    (not_found,) = (error for error in STATUSES if error.__name__ == "TerrainNotFound")
    raised.error = not_found("Möwe\ud800")
    answer = client.get("/")
    assert answer.content.isascii()
    assert json.loads(answer.content)["terrain"] == "Möwe\ud800"
