"""Failed trials as a table: when, which and why, and the command that runs each again."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import chain

from bnsweep.api.failed_trial import FailedTrial
from bnsweep.cli.output import MAX_WIDTH
from bnsweep.spec.trial import AXES

FIRST = ("failed (UTC)", "seed", "attempts")
LAST = "error, how to run it again, log"


def failures_table(trials: Sequence[FailedTrial], directory: str, width: int) -> Iterator[str]:
    """Yield the lines of a table of the trials, in their order, three for each where `width` suffices.

    Args:
        trials: they.
        directory: where their results are, as the user names it.
        width: characters of a line at most; where it is short, settings stand above errors, to keep commands whole.
    """
    rows = [
        (
            f"{trial.last['failed_at']:%Y-%m-%d %H:%M}",
            str(trial.spec.get("seed", "")),
            str(len(trial.attempts)),
            setting,
            f"{trial.error}{' (has a result now)' if trial.has_result else ''}\n"
            f"{trial.repro(directory)}\nlog: {trial.log}",
        )
        for trial, setting in zip(trials, settings(trials), strict=True)
    ]
    lines = _rendered((*FIRST, "setting", LAST), rows, MAX_WIDTH)
    if max(map(len, lines)) > width:
        stacked = [(*row[:3], "\n".join(row[3:])) for row in rows]
        lines = _rendered((*FIRST, f"setting, {LAST}"), stacked, width)
    yield from lines


def _rendered(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return the lines of a table whose longer cells go on in the next line."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*row)
    text = io.StringIO()
    Console(file=text, width=width, markup=False, highlight=False, emoji=False, color_system=None).print(table)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def settings(trials: Sequence[FailedTrial]) -> list[str]:
    """Return what each was a trial of: its axes but for the seed, and the other fields in which they differ.

    Axes are also those that the sweep declares.
    """
    specs = [trial.fields for trial in trials]
    fields = dict.fromkeys(chain.from_iterable(specs))
    differing = [field for field in fields if len({repr(spec.get(field)) for spec in specs}) > 1]
    declared = chain.from_iterable(trial.declared_axes for trial in trials)
    named = [field for field in dict.fromkeys((*AXES, *declared, *differing)) if field != "seed"]
    return [
        ", ".join(f"{field} {spec[field]}" for field in named if field in spec) or "spec not stored" for spec in specs
    ]
