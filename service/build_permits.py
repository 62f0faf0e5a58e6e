"""Which requests may have a pyramid built: asking for a level is reading, and reading may need no key."""

from __future__ import annotations

from catalog.repository.keys import Scope
from service.desk import Desk
from service.errors import BuildNeedsKey
from service.levels import Located
from service.links import pyramid_path
from service.pyramid_states import get_state
from service.terrain_grids import get_grid


def may_build(desk: Desk, granted: Scope | None, located: Located) -> bool:
    """Whether a request may start a build: with the scope, or a small one; whoever comes may join one."""
    if granted is not None and granted.includes(Scope.BUILD):
        return True
    if get_grid(located.terrain).cell_count <= desk.house.settings.anonymous_build_cells:
        return True
    terrain, metric = located.terrain, located.metric
    return located.is_being_built or desk.builds.is_under_way(
        terrain.id, metric, terrain.revision, located.order
    )


async def refusal_of(desk: Desk, located: Located) -> BuildNeedsKey:
    """What to tell a request that may not: how the pyramid stands, and what to send."""
    state = await desk.run(get_state, desk.house, desk.builds, located.terrain.id, located.metric)
    return BuildNeedsKey(
        state=state.state.value,
        cell_count=get_grid(located.terrain).cell_count,
        limit=desk.house.settings.anonymous_build_cells,
        order=pyramid_path(located.terrain.name, located.metric),
    )
