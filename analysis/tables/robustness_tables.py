"""Robustness and the differences from the baseline together, computed once for whoever needs both."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import BASELINE
from analysis.measures import FRACTION
from analysis.tables.differences import DIFFERENCE_COLUMNS, difference_table
from analysis.tables.robustness import robustness_table


@dataclass(frozen=True, repr=False)
class RobustnessTables:
    """Both tables; `differences` is empty without the baseline."""

    robustness: pd.DataFrame
    differences: pd.DataFrame

    __repr__ = one_line

    def of(self, configuration: str) -> RobustnessTables:
        """Return the rows of one configuration."""
        parts = (table[table["configuration"] == configuration] for table in (self.robustness, self.differences))
        return RobustnessTables(*parts)


def make_tables(results: Results, fraction: float = FRACTION) -> RobustnessTables:
    """Compute the robustness of every mode and, where `BASELINE` is among them, the differences from it."""
    robustness = robustness_table(results, fraction)
    if not (results.trials["norm"] == BASELINE).any():
        return RobustnessTables(robustness, pd.DataFrame(columns=list(DIFFERENCE_COLUMNS)))
    return RobustnessTables(robustness, difference_table(results, fraction=fraction))
