"""Which URLs may be sources. The text is parsed once, here; what comes out is what is asked for."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from yarl import URL

from raster.errors import SourceForbidden, SourceRefused
from raster.sources.remote.policy import RemotePolicy
from raster.sources.roots import LONGEST_URL, printable

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+._-]*)(:|\Z)")
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff<>\"^`{|}]")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?", re.ASCII)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)

NOT_ALLOWED = "this service does not take sources from there (ZIGGURAT_SOURCES)"
"""The same for all that is forbidden: which hosts exist inside is nobody's business."""


def check_url(policy: RemotePolicy, url: str) -> URL:
    """The URL of a source as it is catalogued and asked for.

    Raises
    ------
    SourceRefused
        It is no URL of a source, whoever asks.
    SourceForbidden
        The policy does not allow it.
    """
    parsed = _parse(url)
    if parsed.scheme not in policy.schemes:
        raise SourceForbidden(url, NOT_ALLOWED)
    if parsed.scheme == "s3":
        if _BUCKET.fullmatch(parsed.raw_host or "") is None or len(parsed.raw_path) < 2 or parsed.query:
            raise SourceRefused(url, "an object in S3 is named s3://bucket/key")
        if policy.buckets and not any(fnmatchcase(parsed.raw_host or "", each) for each in policy.buckets):
            raise SourceForbidden(url, NOT_ALLOWED)
        return parsed
    if not allows_host(policy, parsed):
        raise SourceForbidden(url, NOT_ALLOWED)
    return parsed


def allows_host(policy: RemotePolicy, url: URL) -> bool:
    """Whether the host and port of a web address are allowed; its addresses are looked at on connecting."""
    host = (url.raw_host or "").rstrip(".")
    if not policy.hosts:
        return url.is_default_port()
    return any(_fits(pattern, host, url) for pattern in policy.hosts)


def _fits(pattern: str, host: str, url: URL) -> bool:
    name, separator, port = pattern.rpartition(":")
    if not separator or pattern.endswith("]"):
        return url.is_default_port() and fnmatchcase(host, pattern)
    return port in {"*", str(url.port)} and fnmatchcase(host, name)


def _parse(url: str) -> URL:
    if not 0 < len(url) <= LONGEST_URL or _NOT_IN_URLS.search(url):
        raise SourceRefused(printable(url), "this is not a URL")
    scheme = _SCHEME.match(url)
    if scheme is None or scheme[1].lower() not in {"http", "https", "s3"}:
        raise SourceRefused(url, "a source is a path, or a URL that begins with https://, http:// or s3://")
    if not url[scheme.end() :].startswith("//") or "::" in url.partition("]")[2] + url.partition("[")[0]:
        raise SourceRefused(url, "chained URLs are not taken; a source is one path or one URL")
    try:
        parsed = URL(url)
    except ValueError as error:
        raise SourceRefused(url, "this is not a URL") from error
    if parsed.user is not None or parsed.password is not None or "@" in parsed.authority:
        raise SourceRefused(_without_user(url), "names and passwords do not belong into URLs of sources")
    if parsed.fragment or "#" in url:
        raise SourceRefused(url, "a source's URL has no fragment (#)")
    if not _is_host(parsed.raw_host or ""):
        raise SourceRefused(url, "the host is neither a name nor an address as it is usually written")
    return parsed


def _is_host(host: str) -> bool:
    """A name, or an IP address in its one usual form: what else looks like a number some resolver takes."""
    if ":" in host:
        return True  # yarl has read it as IPv6
    if _HOST.fullmatch(host) is None:
        return False
    labels = host.rstrip(".").split(".")
    if _NUMBER.fullmatch(labels[-1]) is None:
        return True
    return len(labels) == 4 and all(re.fullmatch(r"0|[1-9][0-9]{0,2}", label) for label in labels)


def _without_user(url: str) -> str:
    """The secret is not repeated."""
    return re.sub(r"//[^/]*@", "//…@", url)
