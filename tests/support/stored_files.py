"""Files of a store, in a folder or in a bucket: looked at, and damaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import fsspec


@dataclass(frozen=True)
class StoredFile:
    """A file, or what files lie below."""

    url: str

    def __truediv__(self, name: str) -> StoredFile:
        return StoredFile(f"{self.url}/{name}")

    def read_bytes(self) -> bytes:
        files, path = self._opened()
        data: bytes = files.cat_file(path)
        return data

    def write_bytes(self, data: bytes | bytearray) -> None:
        files, path = self._opened()
        files.pipe_file(path, bytes(data))

    def unlink(self) -> None:
        files, path = self._opened()
        files.rm_file(path)

    def _opened(self) -> tuple[Any, str]:
        files, path = fsspec.url_to_fs(self.url, skip_instance_cache=True)
        return files, path
