"""Everything that is computed from a sweep before anything is drawn, once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.claims.table import Verdicts, judge
from analysis.importance import importance_table
from analysis.load import Results
from analysis.tables import Tables, make_tables


@dataclass(frozen=True)
class Outcome:
    """The robustness tables, the verdicts on the claims, and the importance of each hyperparameter."""

    tables: Tables
    verdicts: Verdicts
    importance: pd.DataFrame

    def of(self, setting: str) -> Outcome:
        """Return the rows of one setting."""
        importance = self.importance[self.importance["setting"] == setting]
        return Outcome(self.tables.of(setting), self.verdicts.of(setting), importance)

    @property
    def csv(self) -> dict[str, pd.DataFrame]:
        """The tables that have rows and that no figure draws, by name."""
        named = {
            "robustness": self.tables.robustness,
            "differences": self.tables.differences,
            "importance": self.importance,
        }
        return {name: table for name, table in named.items() if len(table)}


def compute(results: Results) -> Outcome:
    """Compute all of it, in each setting."""
    return Outcome(make_tables(results), judge(results), importance_table(results))
