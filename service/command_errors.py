"""What a command says when it cannot do what it was asked: one line on standard error, and an exit code."""

from __future__ import annotations

from pydantic import ValidationError
from typer.exceptions import TyperException

from catalog.errors import CatalogError, CatalogUnavailable, TerrainNotFound
from raster.errors import RasterError
from service.console import print_error
from service.errors import RegistrationRefused, ServiceError
from service.exit_codes import EXIT_REFUSED, EXIT_USAGE
from service.house import open_house
from service.settings import PREFIX, Settings, closest_setting


class CommandRefused(Exception):
    """The machine stands in the way of a command."""


EXPECTED = (RasterError, CatalogError, ServiceError, CommandRefused, ValidationError, TyperException)
"""Whatever else leaves a command is a defect, and shows where."""


def report(error: Exception) -> int:
    """Say what went wrong; the exit code."""
    match error:
        case RegistrationRefused(reasons=[reason]):
            print_error(f"{reason}; nothing was registered")
        case RegistrationRefused(reasons=reasons):
            heading = f"{len(reasons)} tiles are refused, so none was registered:"
            print_error(heading, [str(reason) for reason in reasons])
        case TerrainNotFound():
            print_error(f"{error}; `ziggurat list` names those there are, `ziggurat create` makes one")
        case CatalogUnavailable():
            print_error(f"{error}{_whereabouts()}")
        case ValidationError():
            print_error("; ".join(_wrong_values(error)))
            return EXIT_USAGE
        case TyperException():
            print_error(f"{error.format_message().rstrip('.')}; {_help_of(error)} tells what there is")
            return error.exit_code
        case _:
            print_error(str(error))
    return EXIT_REFUSED


def _whereabouts() -> str:
    """Which catalogue cannot be used; an unusable URL has said so itself."""
    try:
        return f" ({open_house(Settings()).database.describe()}, {PREFIX}DATABASE_URL)"
    except CatalogUnavailable:
        return ""


def _wrong_values(error: ValidationError) -> list[str]:
    is_setting = error.title == Settings.__name__
    wrong = []
    for each in error.errors():
        name = ".".join(str(part) for part in each["loc"][:1])
        said = f"{PREFIX}{name.upper()}" if is_setting else name.replace("_", "-")
        if is_setting and each["type"] == "extra_forbidden" and len(each["loc"]) == 1:
            closest = f"{PREFIX}{closest_setting(name).upper()}"
            wrong.append(f"{said}: there is no such setting; the closest is {closest}")
        else:
            inside = "".join(f"{part}: " for part in each["loc"][1:] if is_setting)
            wrong.append(
                f"{said}: {inside}{each['msg'].removeprefix('Value error, ')}, not {each['input']!r}"
            )
    return wrong


def _help_of(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path if context else 'ziggurat'} --help`"
