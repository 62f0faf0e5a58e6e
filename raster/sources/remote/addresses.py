"""Which URLs may be sources. The text is parsed once, here; what comes out is what is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from yarl import URL

from raster.errors import SourceForbidden, SourceRefused
from raster.sources.remote.policy import OTHER_SCHEMES, SCHEMES, WEB_SCHEMES, RemotePolicy
from raster.sources.roots import LONGEST_URL, printable

_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff<>\"^`{|}]")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.ASCII)
_PATTERN = re.compile(r"(\[[^]]*\]|[^:]*)(?::([0-9]+|\*))?")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)

NOT_ALLOWED = "this service does not take sources from there (ZIGGURAT_SOURCES)"
"""The same for all that is forbidden: which hosts exist inside is nobody's business."""


@dataclass(frozen=True, slots=True)
class Address:
    """A source's URL, as it is catalogued and asked for, and its parts."""

    url: str
    scheme: str
    authority: str
    name: str
    """Of the file: the last part of the path."""


def check_url(policy: RemotePolicy, url: str) -> Address:
    """The address of a source.

    Raises
    ------
    SourceRefused
        It is no URL of a source, whoever asks.
    SourceForbidden
        The policy does not allow it.
    """
    scheme = _check_text(url)
    if scheme not in policy.schemes and scheme not in policy.others:
        raise SourceForbidden(url, NOT_ALLOWED)
    return _check_web(policy, url) if scheme in WEB_SCHEMES else _check_object(policy, scheme, url)


def _check_object(policy: RemotePolicy, scheme: str, url: str) -> Address:
    """Of an object store: keys are taken letter by letter."""
    bucket, _, key = url[len(f"{scheme}://") :].partition("/")
    if _BUCKET.fullmatch(bucket) is None or not key or "?" in key:
        raise SourceRefused(url, f"an object is named {scheme}://bucket/key")
    if policy.buckets and not any(fnmatchcase(bucket, pattern) for pattern in policy.buckets):
        raise SourceForbidden(url, NOT_ALLOWED)
    return Address(f"{scheme}://{bucket}/{key}", scheme, bucket, key.rpartition("/")[2])


def _check_web(policy: RemotePolicy, url: str) -> Address:
    try:
        parsed = URL(url)
    except ValueError as error:
        raise SourceRefused(url, "this is not a URL") from error
    if not _is_host(parsed.raw_host or ""):
        raise SourceRefused(url, "the host is neither a name nor an address as it is usually written")
    if not _allows_host(policy, parsed):
        raise SourceForbidden(url, NOT_ALLOWED)
    return Address(str(parsed), parsed.scheme, parsed.raw_authority, parsed.name)


def _allows_host(policy: RemotePolicy, url: URL) -> bool:
    """Whether host and port are allowed; the host's addresses are looked at on connecting."""
    if not policy.hosts:
        return url.is_default_port()
    return any(_fits(pattern, url) for pattern in policy.hosts)


def _fits(pattern: str, url: URL) -> bool:
    found = _PATTERN.fullmatch(pattern)
    if found is None or not fnmatchcase(url.raw_host or "", found[1].strip("[]")):
        return False
    return url.is_default_port() if found[2] is None else found[2] in {"*", str(url.port)}


def _check_text(url: str) -> str:
    """The scheme of what has the form of a source's URL.

    Raises
    ------
    SourceRefused
    """
    if not 0 < len(url) <= LONGEST_URL or _NOT_IN_URLS.search(url):
        raise SourceRefused(printable(url), "this is not a URL")
    scheme, _, rest = url.partition(":")
    if scheme.lower() not in (*SCHEMES, *OTHER_SCHEMES):
        raise SourceRefused(url, "a source is a path, or a URL that begins with https://, http:// or s3://")
    authority = re.split("[/?#]", rest.removeprefix("//"), maxsplit=1)[0]
    if not rest.startswith("//") or "::" in rest.replace(authority, "", 1):
        raise SourceRefused(url, "chained URLs are not taken; a source is one path or one URL")
    if "@" in authority:
        shown = url.replace(authority, authority.rpartition("@")[2], 1)
        raise SourceRefused(shown, "names and passwords do not belong into URLs of sources")
    if "#" in url:
        raise SourceRefused(url, "a source's URL has no fragment (#)")
    return scheme.lower()


def _is_host(host: str) -> bool:
    """A name, or an IP address in its one usual form: what else looks like a number some resolver takes."""
    if ":" in host:
        return True  # yarl has read it as IPv6
    if _HOST.fullmatch(host) is None:
        return False
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]) is None:
        return True
    return len(labels) == 4 and all(re.fullmatch(r"0|[1-9][0-9]{0,2}", label) for label in labels)
