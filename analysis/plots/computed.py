"""Everything that is computed from a sweep before anything is drawn, once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.claims.verdicts import Verdicts, judge
from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.tables import RobustnessTables, factor_table, importance_table, make_tables


@dataclass(frozen=True, repr=False)
class Computed:
    """The robustness tables, the verdicts on the claims, the importance of each hyperparameter, and of factors."""

    tables: RobustnessTables
    verdicts: Verdicts
    importance: pd.DataFrame
    factors: pd.DataFrame
    """Of all configurations together."""

    __repr__ = one_line

    def of(self, configuration: str) -> Computed:
        """Return the rows of one configuration."""
        importance = self.importance[self.importance["configuration"] == configuration]
        return Computed(self.tables.of(configuration), self.verdicts.of(configuration), importance, self.factors)

    @property
    def csv(self) -> dict[str, pd.DataFrame]:
        """The tables that have rows and that no figure draws, by name."""
        named = {
            "robustness": self.tables.robustness,
            "differences": self.tables.differences,
            "importance": self.importance,
        }
        return {name: table for name, table in named.items() if len(table)}


def compute(results: Results) -> Computed:
    """Compute all of it, in each configuration."""
    return Computed(make_tables(results), judge(results), importance_table(results), factor_table(results))
