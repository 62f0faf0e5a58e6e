"""The viewer's page, where an address has one beside its JSON, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.viewer_files import MEDIA_TYPES

_TEXT: Mapping[str, Any] = {"schema": {"type": "string"}}

FILES: Mapping[str, Any] = {media_type.partition(";")[0]: _TEXT for media_type in MEDIA_TYPES.values()}


def with_page(responses: Mapping[int | str, Any]) -> dict[int | str, Any]:
    """Responses of an address that is a page, too, for whoever likes HTML better than JSON."""
    told = responses[200]
    description = f"{told['description']}; the viewer's page when `Accept` prefers HTML"
    return {**responses, 200: {**told, "description": description, "content": {"text/html": _TEXT}}}
