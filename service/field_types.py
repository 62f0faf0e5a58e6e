"""Types of fields in bodies of requests: what they take, and how a schema says so."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

MOST_POINTS = 100_000
"""In one body: they are looked at while nobody else is served."""


def whole(value: object) -> object:
    """A float that is one as the integer it is, for a strict field."""
    # JSON has one kind of numbers: 1.0 is the integer 1
    return int(value) if isinstance(value, float) and value.is_integer() else value


SafeInteger = Annotated[int, Field(ge=-(2**53), le=2**53), BeforeValidator(whole)]
"""What JSON numbers carry exactly everywhere, and what the catalogue's columns hold."""


def without_nul(text: str) -> str:
    """Refuse what no database takes."""
    if "\x00" in text:
        raise ValueError("must not contain a NUL character")
    return text


CellsASide = Annotated[int, Field(ge=1, le=2**31), BeforeValidator(whole)]

WITHOUT_NUL = r"^[^\u0000]*$"
"""As a schema says it: no database takes this character."""

Text = Annotated[
    str,
    StringConstraints(max_length=2000),
    AfterValidator(without_nul),
    Field(json_schema_extra={"pattern": WITHOUT_NUL}),
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=100)]
FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]


def not_reserved(name: str) -> str:
    """Refuse names that are words of an address."""
    if name == "tile":
        raise ValueError("'tile' is reserved: /terrain/tile/… are the tiles")
    return name


Priority = Annotated[
    int,
    Field(ge=-(2**31), lt=2**31, description="Higher wins where tiles overlap."),
    BeforeValidator(whole),
]
