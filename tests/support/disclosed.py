"""What an answer must not tell: where we live, what we are made of, and how we ask our database."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

REPOSITORY = Path(__file__).parents[2]

PACKAGES = (
    "alembic|anyio|asyncio|dask|fastapi|fsspec|gdal|h11|numpy|obstore|psycopg|pydantic|rasterio|"
    "sqlalchemy|sqlite3?|starlette|uvicorn|zarr"
)

KINDS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "a stack": re.compile(r'Traceback|File \\?"|\bline \d+, in \w|object at 0x'),
        "a path": re.compile(
            r"(?<![\w./-])(?:/(?:etc|home|mnt|opt|proc|root|srv|tmp|usr|var)/|[A-Za-z]:\\)[\w.-]"
            + "".join(f"|{re.escape(str(each))}" for each in (REPOSITORY, sys.prefix, tempfile.gettempdir()))
        ),
        "SQL": re.compile(
            r"\bSELECT\b.+\bFROM\b|\bINSERT INTO\b|\bUPDATE\b.+\bSET\b|\bDELETE FROM\b|\bBEGIN (?:IMM|ISO)|"
            r"\bSQLSTATE\b|\bconstraint\b|\brelation \\?\""
        ),
        "a module": re.compile(rf"\b(?:service|catalog|raster)\.[a-z_]\w*|\.py\b|(?<!\.)\b(?:{PACKAGES})\b"),
        "a class": re.compile(r"<class|\b[A-Z]\w*(?:Error|Exception|Warning)\b|\b[A-Z]\w+Body\b"),
    }
)
"""What betrays what is inside."""


def disclosed(said: str, asked: Iterable[str] = ()) -> list[str]:
    """What a text tells of our inside; what the client itself has asked with is no news to it.

    Parameters
    ----------
    said : str
        An error's body, or a header of it.
    asked : iterable of str
        The request's words.
    """
    for each in sorted(asked, key=len, reverse=True):
        said = said.replace(each, "…")
    return [f"{kind}: {found[0]}" for kind, pattern in KINDS.items() if (found := pattern.search(said))]
