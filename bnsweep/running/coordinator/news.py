"""What a run is at, in words for whoever watches it: what runs where, what ended last, what failed last."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

import pyarrow as pa

from bnsweep.error_texts import shown
from bnsweep.spec import TrialSpec

MAX_UNDER_WAY = 8
"""Workers of which it is told what they train."""
MAX_LATEST = 3
"""Trials of which it is told what became of them."""
POINT = {"norm": "{}", "lr": "lr {:g}", "init_gain": "gain {:g}", "seed": "seed {}"}
"""What of a trial is told, and how."""
TOLD = (*POINT, "status", "stop_step", "test_acc", "metric", "metric_name", "test_loss", "spec", "error")
"""Columns of trials and of failures that are put into words."""


class News(NamedTuple):
    """What a run is at.

    Args:
        under_way: of some workers the host, and which trial it trains.
        latest: which trials ended last with a result, and which it is; the last one first.
        last_failure: which trial failed last, and its error; '' for none.
    """

    under_way: tuple[tuple[str, str], ...] = ()
    latest: tuple[str, ...] = ()
    last_failure: str = ""


class Newsroom:
    """Keeps the tables that were delivered last; what they say is only put into words when it is asked for."""

    def __init__(self) -> None:
        self._trials = deque[pa.Table](maxlen=MAX_LATEST)
        self._failures: pa.Table | None = None

    def take_in(self, tables: Mapping[str, pa.Table]) -> None:
        """Take note of rows that were delivered."""
        if len(trials := tables.get("trials", ())):
            self._trials.append(trials)
        if len(failures := tables.get("failures", ())):
            self._failures = failures

    def news(self, under_way: Sequence[tuple[str, int]], trials: Sequence[TrialSpec]) -> News:
        """Return what there is to say, also of the trials under way: each a host and an index among `trials`."""
        latest = tuple(text for _, text in zip(range(MAX_LATEST), self._results(), strict=False))
        failed = "" if self._failures is None else _failure(_rows(self._failures)[-1])
        now = tuple((host, described(trials[trial].model_dump(include=set(POINT)))) for host, trial in under_way)
        return News(now, latest, failed)

    def _results(self) -> Iterator[str]:
        for table in reversed(self._trials):
            yield from (f"{described(row)}: {_result(row)}" for row in reversed(_rows(table)))


def described(point: Mapping[str, Any]) -> str:
    """Return which trial it is, by what is known of its point on the grid.

    >>> described({"norm": "batch", "lr": 0.1, "init_gain": 1.0, "seed": 3})
    'batch, lr 0.1, gain 1, seed 3'
    """
    known = ((words, point.get(name)) for name, words in POINT.items())
    return ", ".join(words.format(value) for words, value in known if value is not None) or "a trial"


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the last rows of a table."""
    columns = [name for name in TOLD if name in table.column_names]
    rows: list[dict[str, Any]] = table.select(columns).slice(max(0, len(table) - MAX_LATEST)).to_pylist()
    return rows


def _result(row: Mapping[str, Any]) -> str:
    """Return how good a trial is by its accuracy, or what else there is, or where it diverged or was pruned."""
    if (status := row.get("status")) in ("diverged", "pruned"):
        return f"{status} at step {row['stop_step']}"
    for name, words in (
        ("test_acc", "accuracy"),
        ("metric", row.get("metric_name") or "metric"),
        ("test_loss", "loss"),
    ):
        value = row.get(name)
        if value is not None and isfinite(value):
            return f"{words} {value:.3g}"
    return "completed"


def _failure(row: Mapping[str, Any]) -> str:
    return f"{described(json.loads(row.get('spec') or '{}'))}: {shown(row.get('error') or 'failed')}"
