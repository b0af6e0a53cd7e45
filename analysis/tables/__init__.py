"""The tables that a sweep is summed up by: robustness, differences from a baseline, importance; and their text."""

from analysis.tables.differences import difference_table
from analysis.tables.importance import importance_table
from analysis.tables.robustness import robustness_table
from analysis.tables.robustness_tables import RobustnessTables, make_tables

__all__ = ["RobustnessTables", "difference_table", "importance_table", "make_tables", "robustness_table"]
