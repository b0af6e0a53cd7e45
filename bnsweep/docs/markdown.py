"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Lines = Iterator[str]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Lines:
    """Yield the lines of a table, an empty one first.

    >>> list(table(["a", "b"], [["1", "x | y"]]))
    ['', '| a | b |', '|---|---|', '| 1 | x \\\\| y |']
    """
    yield from ("", _row(head), "|" + "---|" * len(head))
    yield from map(_row, rows)


def code(text: str) -> str:
    """Return text as code, unless there is none."""
    return f"`{text}`" if text else ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"
