"""Keys, where the service requires them, as OpenAPI describes them on every operation."""

from __future__ import annotations

from typing import Any

from catalog.repository.keys import Scope
from service.description.problems import CATALOGUE_ERRORS, problem_responses
from service.errors import KeyExpired, KeyMissing, KeyUnknown, ScopeMissing
from service.key_guard import scope_needed
from service.settings import Settings

SCHEME = "key"


def describe_keys(document: dict[str, Any], settings: Settings) -> None:
    """Add scheme, scopes and the answers 401 and 403 to a document."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes[SCHEME] = {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of `ziggurat key create`; write includes build, build includes read.",
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            needed = scope_needed(method.upper(), path)
            if needed is not None:
                _describe(operation, needed, public_reading=settings.public_reading)


def _describe(operation: dict[str, Any], needed: Scope, *, public_reading: bool) -> None:
    with_key = {SCHEME: [needed.value]}
    is_public = needed is Scope.READ and public_reading
    operation["security"] = [{}, with_key] if is_public else [with_key]
    refusals: tuple[type[Exception], ...] = (KeyUnknown, KeyExpired)
    if not is_public:
        refusals = (KeyMissing, *refusals)
    if needed is not Scope.READ:
        refusals = (*refusals, ScopeMissing)
    # keys are looked up in the catalogue
    for status, answer in problem_responses(*refusals, *CATALOGUE_ERRORS).items():
        operation["responses"].setdefault(str(status), answer)
