"""Which requests may have a pyramid built: asking for a level is reading, and reading may need no key."""

from __future__ import annotations

from catalog.repository.keys import Scope
from service.cold_rule import Standing
from service.desk import Desk
from service.errors import BuildNeedsKey
from service.links import pyramid_path
from service.pyramid_states import get_state
from service.terrain_grids import get_grid


def may_build(desk: Desk, granted: Scope | None, standing: Standing) -> bool:
    """Whether a request may start a build: with the scope, or a small one; whoever comes may join one."""
    if granted is not None and granted.includes(Scope.BUILD):
        return True
    if get_grid(standing.terrain).cell_count <= desk.house.settings.anonymous_build_cells:
        return True
    terrain, metric = standing.terrain, standing.metric
    return standing.is_being_built or desk.builds.is_under_way(
        terrain.id, metric, terrain.revision, standing.order
    )


async def refusal_of(desk: Desk, standing: Standing) -> BuildNeedsKey:
    """What to tell a request that may not: how the pyramid stands, and what to send."""
    state = await desk.run(get_state, desk.house, desk.builds, standing.terrain.id, standing.metric)
    return BuildNeedsKey(
        state=state.state.value,
        cell_count=get_grid(standing.terrain).cell_count,
        limit=desk.house.settings.anonymous_build_cells,
        order=pyramid_path(standing.terrain.name, standing.metric),
    )
