"""What `ZIGGURAT_SOURCES` may say: which sources by URL are taken, and how they are asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, field_validator

from raster.sources.remote.policy import OTHER_SCHEMES, Patience, RemotePolicy, S3Access


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccessSettings(_Strict):
    """How objects below one `s3://` prefix are asked for."""

    profile: str | None = None
    endpoint: str | None = None
    region: str | None = None
    requester_pays: bool = False


class SourceSettings(_Strict):
    """Sources by URL. Without any of this: anywhere public, anonymously."""

    schemes: frozenset[Literal["https", "http", "s3"]] = frozenset({"https", "http", "s3"})
    hosts: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    access: Mapping[str, AccessSettings] = Field(default_factory=dict)
    others: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    cache: Path = Path("data/cache")
    cache_bytes: ByteSize = Field(default=ByteSize(2**32), ge=2**24)
    max_bytes: ByteSize = Field(default=ByteSize(2**36), ge=1)
    timeout_s: float = Field(default=30.0, gt=0)
    attempts: int = Field(default=3, ge=1, le=10)

    @field_validator("hosts", mode="after")
    @classmethod
    def _in_lower_case(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host.lower() for host in hosts)

    @field_validator("access", mode="after")
    @classmethod
    def _are_prefixes(cls, access: Mapping[str, AccessSettings]) -> Mapping[str, AccessSettings]:
        for start in access:
            if not start.startswith("s3://") or len(start) <= len("s3://"):
                raise ValueError(f"{start!r} is not the beginning of an s3:// URL")
        return access

    @field_validator("others", mode="after")
    @classmethod
    def _are_known(cls, others: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        for scheme in others:
            if scheme not in OTHER_SCHEMES:
                raise ValueError(f"{scheme!r} is none of {', '.join(OTHER_SCHEMES)}")
        return others

    def policy(self) -> RemotePolicy:
        """The same for whoever opens sources."""
        return RemotePolicy(
            cache=self.cache.expanduser().absolute(),
            schemes=self.schemes,
            hosts=self.hosts,
            buckets=self.buckets,
            networks=self.networks,
            access={start: S3Access(**dict(each)) for start, each in self.access.items()},
            others=self.others,
            largest_bytes=self.max_bytes,
            cache_bytes=self.cache_bytes,
            patience=Patience(
                connect_s=min(Patience().connect_s, self.timeout_s),
                silence_s=min(Patience().silence_s, self.timeout_s),
                answer_s=self.timeout_s,
                attempts=self.attempts,
            ),
        )


def parse_sources(text: str) -> object:
    """What the setting says, yet to be checked.

    Raises
    ------
    ValueError
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("this is not JSON") from error
