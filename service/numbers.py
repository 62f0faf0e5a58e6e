"""Numbers in addresses: spelled with the digits 0 to 9, as JSON and every other program does."""

from __future__ import annotations

import math
import re

NUMBER = r"[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?"
"""A pattern. Python alone would also read 1_000, blanks around, and digits of other scripts."""

_NUMBER = re.compile(NUMBER)


def read_number(text: str) -> float:
    """The finite number that a text spells.

    Raises
    ------
    ValueError
    """
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r} is not a finite number")
    return value
