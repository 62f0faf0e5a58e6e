"""Query parameters that no route knows: refused, since a mistyped one would silently give another answer."""

from __future__ import annotations

from fastapi import Request

from service.errors import ParameterUnknown


async def refuse_unknown_parameters(request: Request) -> None:
    """Check a request's query parameters against what OpenAPI says of its route.

    Raises
    ------
    ParameterUnknown
    """
    if not request.query_params:
        return
    operations = request.app.openapi()["paths"].get(request.scope["route"].path_format, {})
    operation = operations.get(request.method.lower(), {})
    known = sorted(each["name"] for each in operation.get("parameters", ()) if each["in"] == "query")
    unknown = sorted(set(request.query_params.keys()) - set(known))
    if unknown:
        raise ParameterUnknown(unknown, known)
