"""Query parameters no route knows are refused: a mistyped one would silently give another answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from service.errors import ParameterInvalid, ParameterUnknown


async def check_parameters(request: Request) -> None:
    """Check a request's query parameters before its route does; a dependency of every route.

    Raises
    ------
    ParameterUnknown
    ParameterInvalid
        One is given twice, and one of them would be without effect; or it holds what no database takes.
    """
    route = request.scope["route"]
    known = list(_taken_by(route.dependant)) if isinstance(route, APIRoute) else []
    given = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ParameterUnknown(unknown, known)
    for name, times in given.items():
        if times > 1:
            raise ParameterInvalid(name, f"given {times} times; give it once")
    for name, value in request.query_params.items():
        if "\x00" in value:
            raise ParameterInvalid(name, "it must not contain a NUL character")


def _taken_by(dependant: Dependant) -> Iterator[str]:
    """Names of the query parameters of a route, and of what it depends on."""
    yield from (field.alias for field in dependant.query_params)
    for each in dependant.dependencies:
        yield from _taken_by(each)
