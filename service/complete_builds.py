"""The use-case of a command that ends when pyramids are built, be it here or by another process."""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom
from time import sleep

from catalog.repository import terrains
from service.build_turns import look, wanted_build
from service.build_watch import is_built
from service.builds import Progress, build_pyramids
from service.freshness import find_fresh
from service.house import House
from service.on_missing import OnMissing

LOOK_EVERY_S = (0.2, 0.4)
"""Between two looks at a build elsewhere."""


def complete_builds(
    house: House,
    terrain_key: int | str,
    metrics: Sequence[str],
    on_shard: Progress,
    *,
    on_missing: OnMissing = OnMissing.FAIL,
    again: bool,
) -> None:
    """Build pyramids, and wait for those that other processes are at; what failed before is tried again.

    Parameters
    ----------
    on_shard : callable
        Told of builds elsewhere, too.
    on_missing : OnMissing
        What to do about tiles that cannot be had.
    again : bool
        Whether to build also what is up to date.

    Raises
    ------
    BuildFailedBefore
        It failed elsewhere while this process waited.
    What `build_pyramids` raises.
    """
    left, insists = list(metrics), True
    while left:
        built = build_pyramids(
            house, terrain_key, left, on_shard, on_missing=on_missing, again=again, insists=insists
        )
        insists = False
        left = [
            metric
            for metric in left
            if metric not in built and not _wait(house, terrain_key, metric, on_missing, on_shard)
        ]


def _wait(
    house: House, terrain_key: int | str, metric: str, on_missing: OnMissing, on_shard: Progress
) -> bool:
    """Whether another process built it; False when it is nobody's turn any more."""
    while True:
        with house.database.read() as session:
            wanted = wanted_build(terrains.get_terrain(session, terrain_key), metric, on_missing)
        view = look(house, wanted)
        if is_built(view):
            return True
        sleep(SystemRandom().uniform(*LOOK_EVERY_S))
        if view is None:  # what misses tiles does not take the place of a whole one
            is_masked = on_missing is OnMissing.MASK
            return is_masked and find_fresh(house, terrain_key, metric, is_whole=True) is not None
        on_shard(view.shards_done, view.shards_total)
