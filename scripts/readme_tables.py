"""Tables of the README that commands write: each stands between two comments, the first of which names it."""

from __future__ import annotations

from bootstrap import ROOT

README = ROOT / "README.md"
END = "<!-- end -->\n"


def put_into_readme(command: str, tables: str) -> None:
    """Put what `scripts/<command>` found in the place of what it had found before."""
    begin = f"<!-- scripts/{command} -->\n"
    before, rest = README.read_text().split(begin)
    README.write_text(f"{before}{begin}{tables}{END}{rest.split(END, 1)[1]}")
