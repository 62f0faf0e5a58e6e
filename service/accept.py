"""The `Accept` request header (RFC 9110, 12.5.1): which of the media types there are a client likes best."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


def best_accepted(header: str | None, offered: Sequence[str]) -> str | None:
    """The offered type of the highest quality, the first of equals; None when none is acceptable.

    Parameters
    ----------
    header : str | None
        Without one, everything is acceptable. Parameters but `q` are not looked at: no type here has any.
    offered : sequence of str
        In lower case, the preferred one first.
    """
    if header is None or not header.strip():
        return offered[0]
    ranges = dict(_ranges(header))
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    return best if _quality(best, ranges) > 0 else None


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    """Media ranges and their qualities; what is no number counts as not wanted."""
    for entry in header.lower().split(","):
        media_range, *parameters = (part.strip() for part in entry.split(";"))
        given = [
            value.strip() for name, _, value in (p.partition("=") for p in parameters) if name.strip() == "q"
        ]
        quality = given[0] if given else "1"
        yield media_range, float(quality) if _QUALITY.fullmatch(quality) else 0.0


def _quality(media_type: str, ranges: dict[str, float]) -> float:
    """That of the most specific range which the type is in."""
    main, _, _ = media_type.partition("/")
    return next((ranges[each] for each in (media_type, f"{main}/*", "*/*") if each in ranges), 0.0)
