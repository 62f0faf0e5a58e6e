"""Hostile bodies: JSON, tiles, tables, sizes that are lies, and repeated requests that differ."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hostile_rows import CHUNKED, CSV, JSON, KEY, MEBIBYTE, NDJSON, TILES, Hostile, patching, posting, row
from raw_http import chunked, written


def extending(transform: str, end: str) -> str:
    """A terrain of this transform that reaches from -end to end."""
    extent = f'{{"left": -{end}, "bottom": -{end}, "right": {end}, "top": {end}}}'
    return f'{{"name": "never", "crs": "EPSG:32632", "anchor_transform": {transform}, "extent": {extent}}}'


def _json() -> Iterator[Hostile]:
    for name, body, status in (
        ("nan", '{"name": "never", "nodata": NaN}', 400),
        ("infinity", '{"name": "never", "nodata": Infinity}', 400),
        ("minus-infinity", '{"name": "never", "nodata": -Infinity}', 400),
        ("1e400", '{"name": "never", "nodata": 1e400}', 422),
        ("1e400-transform", '{"name": "never", "anchor_transform": [1e400,0,0,0,-1,0]}', 422),
        (
            "1e308-extent",
            extending("[1,0,0,0,-1,0]", "1e308"),
            422,
        ),
        (
            "denormal-transform",
            extending("[5e-324,0,0,0,-5e-324,0]", "1"),
            422,
        ),
        ("zero-transform", '{"name": "never", "anchor_transform": [0,0,0,0,0,0]}', 422),
        ("huge-integer", f'{{"name": "never", "tile_size": {10**400}}}', 422),
        ("many-digits", f'{{"name": "never", "tile_size": {"9" * 100_000}}}', 400),
        ("surrogate-name", '{"name": "\\ud800"}', 422),
        ("surrogate-title", '{"name": "never", "title": "\\ud800"}', 422),
        ("surrogate-crs", '{"name": "never", "crs": "\\udfff"}', 422),
        ("surrogate-field", '{"name": "never", "\\ud800": 1}', 422),
        ("nul-name", '{"name": "a\\u0000"}', 422),
        ("nul-title", '{"name": "never", "title": "a\\u0000"}', 422),
        ("nul-crs", '{"name": "never", "crs": "EPSG:4326\\u0000"}', 422),
        ("raw-nul", '{"name": "a\x00"}', 400),
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
        ("torn", '{"name": "ne', 400),
        ("trailing", '{"name": "never"} {}', 400),
        ("comment", '{"name": "never" /* */}', 400),
        ("unknown-field", '{"name": "never", "is_admin": true}', 422),
        ("id", '{"name": "never", "id": 1}', 422),
        ("proto", '{"name": "never", "__proto__": {}}', 422),
        ("class", '{"name": "never", "__class__": "x"}', 422),
        ("deep-lists", "[" * 100_000, 400),
        ("deep-lists-closed", "[" * 100_000 + "]" * 100_000, 400),
        ("deep-objects", '{"a":' * 100_000 + "1" + "}" * 100_000, 400),
        ("deep-field", '{"name": ' + "[" * 900 + "]" * 900 + "}", 422),
        ("many-fields", json.dumps({f"f{n}": n for n in range(20_000)}), 422),
        ("transform-of-a-million", json.dumps({"name": "never", "anchor_transform": [0] * 10**6}), 422),
    ):
        yield row(f"json-{name}", status, posting("/terrain", body), "/etc/passwd", "__class__", "GEOGCS")
    yield row("json-repeated-field", 400, posting("/terrain", '{"name": "never", "name": "golden"}'))
    yield row("json-utf-16", 400, posting("/terrain", '{"name": "never", "x": 1}'.encode("utf-16")))
    yield row("json-utf-32", 400, posting("/terrain", '{"name": "never", "x": 1}'.encode("utf-32")))
    yield row("json-bom", 400, posting("/terrain", b'\xef\xbb\xbf{"name": "never", "x": 1}'))
    yield row("json-invalid-utf-8", 400, posting("/terrain", b'{"name": "\xff\xfe"}'))
    yield row("json-utf-8-surrogate", 400, posting("/terrain", b'{"name": "\xed\xa0\x80"}'))
    yield row("json-random", 400, posting("/terrain", bytes(range(256)) * 40))
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
        ("x-nan", '"url": "west.npy", "x": NaN, "y": 0', 400),
        ("priority-huge", f'"url": "west.npy", "x": 0, "y": 0, "priority": {2**31}', 422),
        ("nodata-infinity", '"url": "west.npy", "x": 0, "y": 0, "nodata": -Infinity', 400),
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
    yield row(
        "body-10-MB-chunked",
        413,
        written("POST", "/terrain", KEY, JSON, CHUNKED, body=chunked(*[large] * 10)),
    )
    yield row("body-10-MB", 413, posting("/terrain", large * 10))
    yield row("body-10-MB-to-tiles", 413, posting(TILES, large * 10))
    yield row("body-10-MB-patch", 413, patching(large * 10))
    yield row("body-10-MB-without-key", 401, written("POST", "/terrain", JSON, body=large * 10))
    yield row("body-10-MB-nowhere", 404, posting("/nowhere", large * 10))
    for name, length, status in (
        ("declares-too-much", "99999999999999999999", 413),
        ("declares-21-digits", "999999999999999999999", 400),
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
    yield row(
        "body-shorter-than-declared", (None, 400), posting("/terrain", "{}", JSON, "Content-Length: 100")
    )
    yield row(
        "body-two-lengths", 400, posting("/terrain", "{}", JSON, "Content-Length: 2", "Content-Length: 3")
    )
    yield row(
        "body-length-and-chunked",
        (400, 422),
        posting("/terrain", chunked(b"{}"), JSON, "Content-Length: 2", CHUNKED),
    )
    yield row("body-chunk-garbage", 400, posting("/terrain", b"zz\r\n{}\r\n0\r\n\r\n", JSON, CHUNKED))
    yield row("body-chunk-huge", (None, 400, 413), posting("/terrain", b"f" * 15 + b"\r\n{}", JSON, CHUNKED))
    yield row("body-chunk-huger", 400, posting("/terrain", b"f" * 100 + b"\r\n{}", JSON, CHUNKED))
    yield row("body-chunks-of-1", 400, posting("/terrain", chunked(*[b" "] * 5000), JSON, CHUNKED))
    yield row("body-coding-unknown", 400, posting("/terrain", "{}", JSON, "Transfer-Encoding: gzip, chunked"))
    yield row("body-coding-twice", 400, posting("/terrain", chunked(b"{}"), JSON, CHUNKED, CHUNKED))
    yield row("body-gzip", 415, posting("/terrain", b"\x1f\x8b\x08\x00", JSON, "Content-Encoding: gzip"))
    for name, kind in (
        ("none", "Content-Type:"),
        ("xml", "Content-Type: application/xml"),
        ("text", "Content-Type: text/plain"),
        ("form", "Content-Type: application/x-www-form-urlencoded"),
        ("multipart", "Content-Type: multipart/form-data; boundary=x"),
        ("multipart-without-boundary", "Content-Type: multipart/form-data"),
        ("garbage", "Content-Type: ;;;///"),
        ("bytes", b"Content-Type: \xff\xfe/json"),
    ):
        yield row(f"type-{name}", 415, posting("/terrain", '{"name": "never", "x": 1}', kind))
    charset = "Content-Type: application/json; charset=utf-7"  # JSON is UTF-8, whatever it says of itself
    yield row("type-charset", 422, posting("/terrain", '{"name": "never", "x": 1}', charset))
    yield row("type-twice", 415, posting("/terrain", '{"name": "never"}', JSON, "Content-Type: text/plain"))


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
        ("csv-formula", b"url,x,y\n\"=cmd|'/c calc'!A1\",0,0\n", CSV),
        ("csv-escapes", b"url,x,y\n../../../etc/passwd,0,0\n", CSV),
        ("csv-utf-16", "url,x,y\nwest.npy,0,0\n".encode("utf-16"), CSV),
    ):
        yield row(f"table-{name}", (202, 422), posting(TILES, body, kind))
    yield row("table-torn", (None, 400), posting(TILES, "{}", NDJSON, "Content-Length: 100"))
    yield row("table-nowhere", 404, posting("/terrain/%00/tile", "url", CSV))
    yield row("table-for-terrains", 415, posting("/terrain", "url", CSV))
    yield row("table-declares-too-much", 413, posting(TILES, "url", CSV, "Content-Length: 99999999999999"))


def hostile_bodies() -> Iterator[Hostile]:
    """All of them."""
    for rows in (_json, _tiles, _bodies, _repetitions, _tables):
        yield from rows()
