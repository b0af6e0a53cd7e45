"""Everything that is computed from a sweep before anything is drawn, once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.claims.verdicts import Verdicts, judge
from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.tables import RobustnessTables, edge_table, factor_table, importance_table, make_tables
from analysis.tables.edges import no_edges


@dataclass(frozen=True, repr=False)
class Computed:
    """The robustness tables, the verdicts on claims, the importance of hyperparameters and factors, the edges."""

    tables: RobustnessTables
    verdicts: Verdicts
    importance: pd.DataFrame
    factors: pd.DataFrame
    """Of all configurations together."""
    edges: pd.DataFrame
    """Empty where the sweep does not search for edges."""

    __repr__ = one_line

    def of(self, configuration: str) -> Computed:
        """Return the rows of one configuration."""
        importance = self.importance[self.importance["configuration"] == configuration]
        edges = self.edges[self.edges["configuration"] == configuration]
        return Computed(self.tables.of(configuration), self.verdicts.of(configuration), importance, self.factors, edges)

    @property
    def csv(self) -> dict[str, pd.DataFrame]:
        """The tables that have rows and that no figure draws, by name."""
        named = {
            "robustness": self.tables.robustness,
            "differences": self.tables.differences,
            "importance": self.importance,
            "edges": self.edges,
        }
        return {name: table for name, table in named.items() if len(table)}


def compute(results: Results) -> Computed:
    """Compute all of it, in each configuration."""
    edges = edge_table(results) if results.search and results.search["name"] == "edges" else no_edges()
    return Computed(make_tables(results), judge(results), importance_table(results), factor_table(results), edges)
