"""Parts of an answer's content: the header Range (RFC 9110, section 14)."""

from __future__ import annotations

import re

from service.request_errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=\s*(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})\s*", re.IGNORECASE)


def asked_range(header: str | None, size: int) -> slice | None:
    """The bytes of `size` that a header asks for; None for all of them.

    Several ranges at once, other units and what is no range are answered with everything, as the RFC
    allows and advises.

    Raises
    ------
    RangeNotSatisfiable
        It begins behind the end.
    """
    match = None if header is None else _RANGE.fullmatch(header)
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        start, stop = max(0, size - int(match["last"])), size
    else:
        start, stop = int(match["first"]), size
        if match["last"]:
            if int(match["last"]) < start:
                return None
            stop = min(size, int(match["last"]) + 1)
    if start >= size:
        raise RangeNotSatisfiable(size)
    return slice(start, stop)
