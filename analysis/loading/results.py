"""What `load` returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.loading.settings import Settings, read_settings
from bnsweep.results.drawn_search import DrawnSearch
from bnsweep.results.schema import METRIC_TABLES

IS_ADDED = "is_added"
"""Column of trials of a sweep with a search: whether it has added their learning rate, which not all modes have."""


@dataclass(frozen=True, repr=False)
class Results:
    """The tables of one sweep, a row per trial or measurement; the columns are those of `bnsweep.results.SCHEMAS`.

    `trials` and the tables of measurements hold committed trials that the sweep file declares, each once. Their
    `trial_key` is text, and their `norm` and `init` are ordered categories, in the order of the sweep file.
    """

    name: str
    trials: pd.DataFrame
    curves: pd.DataFrame
    landscape: pd.DataFrame
    ics: pd.DataFrame
    moments: pd.DataFrame
    layers: pd.DataFrame
    curvature: pd.DataFrame
    flatness: pd.DataFrame
    failures: pd.DataFrame
    undeclared: pd.DataFrame
    """Rows of `trials` that the sweep file no longer declares: kept apart, and used in no measure."""
    missing: tuple[str, ...]
    """Keys of the declared trials that have no result yet."""
    declared: dict[str, Any] | None
    """What the last run declared, as `bnsweep.results.Store.declared` returns it; None where nothing was declared."""
    directory: str = ""
    """Where they were read; '' where they were not."""

    def __repr__(self) -> str:
        counts = self.trials.get("status", pd.Series(dtype=str)).value_counts()
        by_status = "".join(f", {count} {status}" for status, count in counts.items() if count)
        without = f", {len(self.missing)} without a result" if self.missing else ""
        tables = {name: len(getattr(self, name)) for name in (*METRIC_TABLES, "failures")}
        rows = ", ".join(f"{name} {count}" for name, count in tables.items() if count)
        where = f" in {self.directory}" if self.directory else ""
        return f"<results of {self.name}{where}: {len(self.trials)} trials{by_status}{without}; rows: {rows or 'none'}>"

    @property
    def search(self) -> dict[str, Any] | None:
        """How far the search of the sweep is: name, num_rounds, end (None while it goes on); None of a grid."""
        return None if self.declared is None else self.declared.get("search")

    @cached_property
    def at_common_lrs(self) -> Results:
        """These results without the trials at learning rates that a search has added, each mode its own."""
        if IS_ADDED not in self.trials or not self.trials[IS_ADDED].any():
            return self
        return replace(self, trials=self.trials[~self.trials[IS_ADDED]].reset_index(drop=True))

    @cached_property
    def settings(self) -> Settings:
        """What `trials` differ in, from the whole of their specs, besides the axes and what is drawn from ranges."""
        ranges = self.drawn.paths if self.drawn else ()
        return read_settings(self.trials, self.declared["trial_keys"] if self.declared else (), ranges)

    @cached_property
    def drawn(self) -> DrawnSearch | None:
        """The search that drew the trials from ranges, as the sweep file has it; None where their axes are lists."""
        return DrawnSearch.of(self.declared["sweep_file"]) if self.declared else None
