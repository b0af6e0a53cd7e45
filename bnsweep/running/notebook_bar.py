"""The bar of a run in a notebook: one output of the cell, redrawn in place. Every notebook has IPython."""

from __future__ import annotations

from html import escape
from time import monotonic
from typing import Any

from rich.console import Console

DRAW_EVERY_S = 0.5


def in_notebook() -> bool:
    """Return whether this code runs in a notebook, where HTML is shown; a terminal with IPython is none."""
    return Console().is_jupyter


def plain_console() -> Console:
    """Return where a run in Python prints to: sys.stdout, as lines of text in a notebook, and nothing is markup."""
    is_terminal = False if in_notebook() else None  # there FORCE_COLOR says otherwise
    return Console(
        force_jupyter=False, force_terminal=is_terminal, soft_wrap=True, highlight=False, markup=False, emoji=False
    )


class NotebookBar:
    """Shows how many trials have ended as a bar above the line that is printed elsewhere."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._next = 0.0

    def draw(self, ended: int, total: int, line: str, *, is_last: bool = False) -> None:
        """Draw the bar anew, if that was not done just now; the last time in any case."""
        if monotonic() < self._next and not is_last:
            return
        self._next = monotonic() + DRAW_EVERY_S
        shown = {"text/html": _html(ended, total, line), "text/plain": line}
        if self._handle is None:
            from IPython.display import display

            self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython's
        else:
            self._handle.update(shown, raw=True)


def _html(ended: int, total: int, line: str) -> str:
    """Return the bar and the line beneath.

    >>> _html(1, 4, "1/4 trials: <1> done")
    '<progress max="4" value="1" style="width: 100%"></progress><pre>1/4 trials: &lt;1&gt; done</pre>'
    """
    bar = f'<progress max="{max(1, total)}" value="{ended}" style="width: 100%"></progress>'
    return f"{bar}<pre>{escape(line)}</pre>"
