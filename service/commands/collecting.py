"""`ziggurat gc`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from service.collection import collect
from service.commands.opening import AsJson, open_installation
from service.console import print_json, progress_bar, tell


def gc(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be removed and how much it is, no more.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Remove generations that are out of use, and what killed builds left, after the time of grace."""
    house = open_installation()
    with progress_bar("Looking at generations", quiet=json) as advance:
        collected = collect(house, advance, dry_run=dry_run)
    if json:
        print_json({"generations": [asdict(each) for each in collected], "dry_run": dry_run})
        return
    for each in collected:
        tell(f"{each.url}: {each.why}, {each.file_count} files, {each.byte_count} bytes")
    total = sum(each.byte_count for each in collected)
    tell(f"{'Would remove' if dry_run else 'Removed'} {len(collected)} generations of {total} bytes.")
