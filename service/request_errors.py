"""What can be wrong with a request before its route sees it."""

from __future__ import annotations

from service.errors import ServiceError


class BodyMalformed(ServiceError):
    """The request's body is not the JSON it is said to be."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body cannot be read: {reason}")
        self.reason = reason


class MediaTypeNotTaken(ServiceError):
    """The request's body is of a kind that is not taken here."""

    def __init__(self, header: str, taken: str) -> None:
        super().__init__(f"{header} has to be {taken}, once")
        self.header = header
        self.taken = taken


class RequestMalformed(ServiceError):
    """What was sent is not HTTP/1.1, or its head is too long."""

    def __init__(self) -> None:
        super().__init__("the request breaks the rules of RFC 9112, or its line and headers are over 16 KiB")


class PreflightRefused(ServiceError):
    """A page of this origin may not ask this."""

    def __init__(self, origin: str, method: str) -> None:
        super().__init__(
            f"pages of {origin!r} may not send {method!r}; ZIGGURAT_CORS_ORIGINS names those that may write"
        )
        self.origin = origin
        self.method = method


class RangeNotSatisfiable(ServiceError):
    """The range of bytes that is asked for begins behind the end."""

    def __init__(self, size: int) -> None:
        super().__init__(f"there are {size} bytes")
        self.size = size


class ViewerFileNotFound(ServiceError):
    """The viewer has no such file."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the viewer has no file {name[:200]!r}")
        self.name = name[:200]
