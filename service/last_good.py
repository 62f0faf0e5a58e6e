"""Answers about terrains that are given again, for a short time, while the catalogue is away.

The rule: an answer is given again for `ZIGGURAT_STALE_PAGE_S` after it was read, to the very same
address, when the catalogue cannot be asked now, and only if this replica has changed nothing in
the catalogue since it was read and has not learned that the answer has become another one. What
other replicas change meanwhile is what it may not know.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from time import monotonic

from fastapi import Request, Response

from catalog.errors import CatalogUnavailable
from service.errors import Overloaded
from service.etags import answers_304, etag_of_bytes
from service.house import House
from service.tally import STALE_ANSWERS

MOST_BYTES = 2**23
"""Of all answers that are kept together; those that were not asked for longest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodAnswer:
    """JSON from the catalogue; `age_s` is that of an answer which is given again."""

    content: bytes
    next_page: str | None = None
    age_s: int | None = None

    def respond(self, request: Request) -> Response:
        """The answer, or 304 when the client has it."""
        headers = {"ETag": etag_of_bytes(self.content), "Cache-Control": "no-cache", "Vary": "Accept"}
        if self.next_page is not None:
            headers["Link"] = f'<{self.next_page}>; rel="next"'
        if self.age_s is not None:
            headers |= {"Ziggurat-State": "stale", "Age": str(self.age_s), "Cache-Control": "no-store"}
        if answers_304(request.headers.get("if-none-match"), headers["ETag"]):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(self.content, media_type="application/json", headers=headers)


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: GoodAnswer
    read_at: float
    change_count: int


class LastGood:
    """The last good answers of one replica. Used in its event loop alone."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._byte_count = 0

    async def answer(
        self, request: Request, kind: str, read: Callable[[], Awaitable[GoodAnswer]]
    ) -> GoodAnswer:
        """What `read` gives, or what it gave a moment ago.

        Raises
        ------
        CatalogUnavailable, Overloaded
            And there is nothing that may be given again.
        Whatever else `read` raises.
        """
        address = f"{request.url.path}?{request.url.query}"
        # before it is read: what is changed while it is read may be missing in it
        read_at, change_count = monotonic(), self._house.database.change_count
        try:
            answer = await read()
        except (CatalogUnavailable, Overloaded):
            again = self._find(address)
            if again is None:
                raise
            self._house.tally.add(STALE_ANSWERS, kind)
            return again
        except BaseException:
            self._forget(address)
            raise
        self._keep(address, _Kept(answer, read_at, change_count))
        return answer

    def _find(self, address: str) -> GoodAnswer | None:
        kept = self._kept.get(address)
        if kept is None or kept.change_count != self._house.database.change_count:
            return None
        age_s = monotonic() - kept.read_at
        return replace(kept.answer, age_s=int(age_s)) if age_s < self._house.settings.stale_page_s else None

    def _keep(self, address: str, kept: _Kept) -> None:
        self._forget(address)
        self._kept[address] = kept
        self._byte_count += _size(address, kept)
        while self._byte_count > MOST_BYTES:
            self._forget(next(iter(self._kept)))

    def _forget(self, address: str) -> None:
        kept = self._kept.pop(address, None)
        if kept is not None:
            self._byte_count -= _size(address, kept)


def _size(address: str, kept: _Kept) -> int:
    return len(address) + len(kept.answer.content)
