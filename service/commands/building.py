"""`ziggurat build` and `ziggurat verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from service.commands.opening import AsJson, TerrainName, open_installation
from service.exit_codes import EXIT_REFUSED
from service.on_missing import OnMissing


def build(
    terrain: TerrainName,
    metric: Annotated[str, typer.Option(help="One or more, separated by commas, e.g. max,mean.")] = "max",
    again: Annotated[bool, typer.Option("--again", help="Build also what is up to date.")] = False,
    on_missing: Annotated[
        OnMissing,
        typer.Option(help="What to do when tiles cannot be had: fail, or leave their place empty."),
    ] = OnMissing.FAIL,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done and what it would take, no more.")
    ] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler (ZIGGURAT_DASK_SCHEDULER).")
    ] = None,
    json: AsJson = False,
) -> None:
    """Build pyramids, several in one pass over the tiles, and publish them.

    What is up to date is left as it is; what a stopped build has finished is taken over.
    """
    # half a second that the other commands need not wait
    from service.commands.pyramids import build_and_tell, tell_estimate  # noqa: PLC0415

    names = _names(metric)
    if not names:
        raise typer.BadParameter("no metric is named", param_hint="--metric")
    house = open_installation({} if scheduler is None else {"dask_scheduler": scheduler})
    for name in names:
        house.metrics.get(name)
    if dry_run:
        tell_estimate(house, terrain, names, as_json=json)
    else:
        build_and_tell(house, terrain, names, on_missing, again=again, as_json=json)


def verify(
    terrain: TerrainName,
    metric: Annotated[str | None, typer.Option(help="One or more; default: all that are built.")] = None,
    windows: Annotated[int, typer.Option(min=0, help="Windows of each level to compute anew.")] = 8,
    cell_budget: Annotated[
        int, typer.Option(min=1, help="Native cells under a window, beyond which the level below serves.")
    ] = 2**24,
    seed: Annotated[int, typer.Option(help="Of chance, which picks the windows.")] = 0,
    json: AsJson = False,
) -> None:
    """Check stored pyramids: every byte, and random windows against the sources.

    Exit code 1 when something is wrong.
    """
    from service.commands.pyramids import verify_and_tell  # noqa: PLC0415
    from service.verification import Thoroughness  # noqa: PLC0415

    thoroughness = Thoroughness(windows=windows, cell_budget=cell_budget, seed=seed)
    is_well = verify_and_tell(open_installation(), terrain, _names(metric), thoroughness, as_json=json)
    if not is_well:
        raise typer.Exit(EXIT_REFUSED)


def _names(listed: str | None) -> list[str]:
    """The metrics of an option, each once."""
    return list(dict.fromkeys(name.strip() for name in (listed or "").split(",") if name.strip()))
