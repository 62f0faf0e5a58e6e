"""The use-case of tidying the store: generations that nobody needs any more are taken out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from catalog.repository.generations import (
    forget_generation,
    forget_orphan,
    list_orphans,
    list_retired,
    note_orphans,
)
from catalog.repository.leases import end_lapsed, forget_old_leases
from raster.storage.store import Root, measure
from service.house import House
from service.storing import reporting_store

AT_ONCE = 500
"""Generations that one statement is asked about."""

OnGeneration = Callable[[int, int], None]


class Why(StrEnum):
    """Why a generation is not needed: it was replaced or dropped, or nobody knows it.

    Orphans are attempts that were killed, and pyramids of terrains that were deleted.
    """

    RETIRED = "retired"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A generation that was taken out of the store, or would be."""

    generation: str
    url: str
    why: Why
    file_count: int
    byte_count: int


@dataclass(frozen=True, slots=True)
class _Due:
    root: Root
    why: Why


def collect(house: House, on_generation: OnGeneration, *, dry_run: bool) -> list[Collected]:
    """Take generations out of the store that were out of use, or nobody's, for the time of grace.

    None that a pyramid points at or that somebody builds. Times are the database's; what nobody knows
    is noted when it is seen first, by a dry run, too.

    Parameters
    ----------
    on_generation : callable
        Called with generations done and in all.

    Raises
    ------
    CatalogUnavailable, StoreUnavailable
    """
    collected: list[Collected] = []
    with reporting_store():
        due = _find_due(house)
        for done, each in enumerate(due, start=1):
            footprint = measure(each.root)
            if dry_run or _take_out(house, each):
                collected.append(
                    Collected(
                        generation=each.root.generation,
                        url=each.root.url,
                        why=each.why,
                        file_count=footprint.file_count,
                        byte_count=footprint.byte_count,
                    )
                )
            on_generation(done, len(due))
    return collected


def _find_due(house: House) -> list[_Due]:
    grace = timedelta(seconds=house.settings.grace_s)
    roots = {root.generation: root for root in map(house.store.root, house.store.list_hrefs())}
    _note(house, sorted(roots))
    with house.database.read() as session:
        retired = {each.id: Why.RETIRED for each in list_retired(session, grace)}
        orphans = dict.fromkeys(list_orphans(session, grace), Why.ORPHAN)
    with house.database.write() as session:
        for absent in orphans.keys() - roots.keys():
            forget_orphan(session, absent)
        for absent in retired.keys() - roots.keys():
            forget_generation(session, absent)
    return [_Due(roots[each], why) for each, why in (retired | orphans).items() if each in roots]


def _note(house: House, stored: Sequence[str]) -> None:
    """Let the catalogue see what lies in the store, once lapsed builds have ended."""
    with house.database.write() as session:
        end_lapsed(session)
        forget_old_leases(session)
    for start in range(0, len(stored), AT_ONCE):
        with house.database.write() as session:
            note_orphans(session, stored[start : start + AT_ONCE])


def _take_out(house: House, due: _Due) -> bool:
    """Whether it is still out of use: nobody is sent there before the first byte goes."""
    if due.why is Why.RETIRED:
        with house.database.write() as session:
            if not forget_generation(session, due.root.generation):
                return False
    due.root.remove()
    with house.database.write() as session:
        forget_orphan(session, due.root.generation)
    return True
