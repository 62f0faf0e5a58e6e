"""The viewer: its page, wherever HTML is wanted, and its files."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match

from service.description.headers import ETAG
from service.description.problems import problem_responses
from service.description.viewer import FILES
from service.request_errors import ViewerFileNotFound
from service.viewer_answers import answer_file, wants_page
from service.viewer_files import ViewerFiles


class PageRoute(APIRoute):
    """Leaves whoever wants no page to the route that answers with JSON at the same address."""

    def matches(self, scope: MutableMapping[str, Any]) -> tuple[Match, MutableMapping[str, Any]]:
        return super().matches(scope) if wants_page(scope) else (Match.NONE, {})


pages = APIRouter(route_class=PageRoute, include_in_schema=False)
router = APIRouter(tags=["viewer"])


@pages.get("/")
@pages.get("/terrain/{terrain}")
async def get_page(request: Request) -> Response:
    """The page. Its modules ask for what it shows: it is the same whether there is such a terrain or not."""
    return answer_file(request, _files(request).get_page())


@router.get(
    "/viewer/{path:path}",
    response_class=Response,
    responses={
        **problem_responses(ViewerFileNotFound),
        200: {"description": "The file", "headers": ETAG, "content": FILES},
        304: {"description": "The client has it", "headers": ETAG},
    },
)
async def get_viewer_file(
    request: Request, path: Annotated[str, Path(description="Name of a file.", examples=["main.js"])]
) -> Response:
    """A file of the viewer: a module, a style sheet or a picture."""
    return answer_file(request, _files(request).get(path))


def _files(request: Request) -> ViewerFiles:
    files: ViewerFiles = request.app.state.viewer
    return files


router.include_router(pages)
