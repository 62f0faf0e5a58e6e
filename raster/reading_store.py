"""What every store of ours owes zarr: it is read, and no more."""

from __future__ import annotations

from collections.abc import Iterable

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype


class ReadingStore(Store):
    """A store that is only read, object by object.

    Not a `zarr.storage.WrapperStore`: that one forwards every further way to read which a newer
    zarr adds past this class, while `Store` derives them from `get`.
    """

    def __init__(self) -> None:
        super().__init__(read_only=True)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def set(self, key: str, value: Buffer) -> None:
        raise PermissionError(f"{key}: what is read never changes")

    async def delete(self, key: str) -> None:
        raise PermissionError(f"{key}: what is read never changes")

    @property
    def supports_writes(self) -> bool:
        return False

    @property
    def supports_deletes(self) -> bool:
        return False


def part_of(byte_range: ByteRequest | None, size: int) -> slice:
    """The bytes of `size` bytes that a request asks for; none where it ends before it starts."""
    match byte_range:
        case None:
            return slice(0, size)
        case RangeByteRequest():
            return slice(byte_range.start, max(byte_range.start, min(byte_range.end, size)))
        case OffsetByteRequest():
            return slice(byte_range.offset, max(byte_range.offset, size))
        case SuffixByteRequest():
            return slice(max(0, size - byte_range.suffix), size)
