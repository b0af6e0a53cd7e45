"""A page of `docs/studies`: its tables are written into it, between marks, by the command that computes them."""

from __future__ import annotations

from pathlib import Path

from bnsweep.errors import InputError

STUDIES = Path(__file__).parents[2] / "docs" / "studies"
DATA, FIGURES = STUDIES / "data", STUDIES / "figures"


def written(text: str, tables: dict[str, str]) -> str:
    """Return a page with each table in its place, which `<!-- table NAME -->` and `<!-- end NAME -->` enclose.

    >>> written("a <!-- table x -->old<!-- end x --> b", {"x": "| new |"})
    'a <!-- table x -->\\n\\n| new |\\n\\n<!-- end x --> b'

    Raises:
        InputError: a table has no place.
    """
    for name, table in tables.items():
        begin, end = f"<!-- table {name} -->", f"<!-- end {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise InputError(f"the page has no place for the table {name}: {begin} {end}")
        text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return text


def write(page: str, tables: dict[str, str]) -> None:
    """Put tables into `docs/studies/PAGE.md`."""
    path = STUDIES / f"{page}.md"
    path.write_text(written(path.read_text(encoding="utf-8"), tables), encoding="utf-8")
