"""The tables that a sweep is summed up by: robustness, differences, importance, factors, the best; and their text."""

from analysis.tables.arrays import to_xarray
from analysis.tables.best import best_configurations
from analysis.tables.differences import difference_table
from analysis.tables.edges import edge_table
from analysis.tables.factors import factor_table
from analysis.tables.importance import importance_table
from analysis.tables.joined import with_trials
from analysis.tables.pruning import pruning_table
from analysis.tables.robustness import robustness_table
from analysis.tables.robustness_tables import RobustnessTables, make_tables
from analysis.tables.shares import share_table
from analysis.tables.tuning import tuning_table

__all__ = [
    "RobustnessTables",
    "best_configurations",
    "difference_table",
    "edge_table",
    "factor_table",
    "importance_table",
    "make_tables",
    "pruning_table",
    "robustness_table",
    "share_table",
    "to_xarray",
    "tuning_table",
    "with_trials",
]
