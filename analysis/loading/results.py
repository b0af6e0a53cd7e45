"""What `load` returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.loading.settings import Settings, read_settings


@dataclass(frozen=True)
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
    """What the last run declared: name, trial_keys, sweep_file; None where nothing was declared."""

    @cached_property
    def settings(self) -> Settings:
        """What `trials` differ in besides the axes, from the whole of their specs."""
        return read_settings(self.trials, self.declared["trial_keys"] if self.declared else ())
