"""The viewer's page, where an address has one beside its JSON, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.viewer_files import MEDIA_TYPES

_TEXT: Mapping[str, Any] = {"schema": {"type": "string"}}

PAGE: Mapping[str, Any] = {"text/html": _TEXT}
FILES: Mapping[str, Any] = {media_type.partition(";")[0]: _TEXT for media_type in MEDIA_TYPES.values()}
