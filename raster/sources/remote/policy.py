"""What the operator allows sources by URL: a value, given by whoever opens them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

WEB_SCHEMES = ("https", "http")

SCHEMES = (*WEB_SCHEMES, "s3")

OTHER_SCHEMES = ("gs", "gcs", "az", "abfs", "oss")
"""Of object stores that fsspec reads with a package more; none is taken unless the operator names it."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """How objects below an `s3://` prefix are asked for; without a profile, anonymously.

    A profile of AWS' configuration files may be a key, a role to assume, the machine's own role.
    """

    profile: str | None = None
    endpoint: str | None = None
    region: str | None = None
    requester_pays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server is waited for, in seconds, and how often it is asked."""

    connect_s: float = 5.0
    silence_s: float = 10.0
    answer_s: float = 30.0
    """For one answer; a long one may take longer, by what has come of it at `least_bytes_per_s`."""
    least_bytes_per_s: int = 2**17
    attempts: int = 3
    pause_s: float = 0.5
    """The longest pause before the second attempt; it doubles with each."""
    longest_pause_s: float = 10.0
    """A server that asks for a longer one is given up."""
    cpu_s: float = 60.0
    """For one call of the decoder, by its clock of the processor and by the wall's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePolicy:
    """Which URLs are sources, and what opening them may cost.

    `hosts` are names, `*.example.org` for any below, with a port where it is not the scheme's own;
    empty for any host on its scheme's own port. `buckets` are the same for S3. `networks` are those
    that are not public and allowed all the same. `access` maps beginnings of `s3://` URLs to how they
    are asked for. `others` has options for the filesystem of fsspec, by scheme of `OTHER_SCHEMES`.
    """

    cache: Path
    schemes: frozenset[str] = frozenset(SCHEMES)
    hosts: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    access: Mapping[str, S3Access] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    largest_bytes: int = 2**36
    cache_bytes: int = 2**32
    redirects: int = 3
    decoder_bytes: int = 2**30
    decoders: int = 4
    patience: Patience = Patience()

    def access_to(self, url: str) -> S3Access:
        """How an `s3://` URL is asked for: the longest beginning that fits, else anonymously."""
        fitting = [start for start in self.access if _begins(url, start)]
        return self.access[max(fitting, key=len)] if fitting else S3Access()


def _begins(url: str, start: str) -> bool:
    """`s3://bucket` is no beginning of `s3://bucket-of-others`."""
    return url == start or url.startswith(start if start.endswith("/") else f"{start}/")
