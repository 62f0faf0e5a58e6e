"""The command line: `ziggurat`, put together from `commands`; errors leave by `run`."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from service.command_errors import EXPECTED, report
from service.commands.building import build, verify
from service.commands.collecting import gc
from service.commands.keys import key_commands
from service.commands.looking import info, list_
from service.commands.registering import add, create
from service.console import print_error, tell, tell_aside
from service.exit_codes import EXIT_INTERRUPTED, EXIT_USAGE
from service.house import open_house, prepare_to_serve
from service.serving import check_access, serve_forever
from service.settings import Settings
from service.version import VERSION

PROGRAM = "ziggurat"

NOT_GEOREFERENCED = "Dataset has no geotransform"
"""How rasterio's warning begins; its class would have to be imported."""

app = typer.Typer(
    name=PROGRAM,
    help="Terrain pyramids: register scattered elevation tiles, build zoom levels, serve them.\n\n"
    "Settings come from ZIGGURAT_* environment variables; the README lists them. Their relative "
    "paths, such as the default data/catalog.db, are taken from the current folder.\n\n"
    "Exit codes: 0 done, 1 refused, 2 wrong usage or setting, 130 interrupted.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        tell(f"{PROGRAM} {VERSION}")
        raise typer.Exit


@app.callback()
def program(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options of the program itself; without a command, tell what there is."""
    if context.invoked_subcommand is None:
        tell_aside(context.get_help())
        raise typer.Exit(EXIT_USAGE)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (ZIGGURAT_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on (ZIGGURAT_PORT).")
    ] = None,
) -> None:
    """Serve terrains, zoom levels and statistics over REST."""
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    house = open_house(Settings().model_copy(update=given), keeps_connections=False)
    if prepare_to_serve(house.database) is None:
        check_access(house)
    serve_forever(house.settings)


@app.command()
def worker() -> None:
    """Build what is wanted of the replicas on the catalogue, without serving; SIGTERM ends it in order."""
    # half a second that the other commands need not wait
    from service.commands.working import work_forever  # noqa: PLC0415

    house = open_house(Settings())
    house.database.prepare()
    work_forever(house)


@app.command()
def migrate() -> None:
    """Create the catalogue, or update its schema.

    The other commands do it, too, but for a PostgreSQL catalogue that is there already.
    """
    database = open_house(Settings(), keeps_connections=False).database
    database.migrate()
    tell(f"The catalogue {database.describe()} is up to date.")


for command in (create, add, info, build, verify, gc):
    app.command()(command)
app.command("list")(list_)
app.add_typer(key_commands, name="key")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; its exit code. Every error that is no defect is one clear line."""
    # tiles without georeferencing are welcome, and a warning for each would bury what matters
    warnings.filterwarnings("ignore", message=NOT_GEOREFERENCED)
    try:
        code = app(arguments, prog_name=PROGRAM, standalone_mode=False)
    except EXPECTED as error:
        return report(error)
    if code == EXIT_INTERRUPTED:
        # what was under way in zarr's event loop is given up; asyncio would say so at length
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        print_error("interrupted; finished shards are kept for the next build of this terrain")
    return code or 0


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run())
