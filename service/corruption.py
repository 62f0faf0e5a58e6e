"""Damage that was found in a published pyramid."""

from __future__ import annotations

from catalog.models import Generation
from catalog.repository import pyramids
from service.house import House
from service.tally import STORE_READS


def mark_corrupt(house: House, generation: Generation) -> None:
    """Have the catalogue know it: the next request builds anew, if this is what is in use."""
    house.tally.add(STORE_READS, "corrupt")
    with house.database.write() as session:
        pyramids.mark_corrupt(session, generation.terrain_id, generation.metric, generation.id)
