"""From the Parquet tables of a sweep to robustness measures, figures and a report. Loads without torch and ray.

Rooms, top to bottom; each imports only from those below it:

    gallery     one script per figure, to copy
    comparison  several sweeps side by side: `bnsweep compare`
    report      the page on one sweep: `bnsweep report`
    plots       the figures: compute, then draw
    claims      the verdict on each claim of the paper
    tables      robustness, differences from a baseline, edges, shares, tuning, importance, the best; joins, arrays
    measures    from the runs of one seed to one number each
    loading     the frames of a results directory
    statistics  intervals and correlations of plain arrays
"""

from analysis.comparison import Comparison, compare
from analysis.loading import Results, load
from analysis.tables import (
    best_configurations,
    difference_table,
    edge_table,
    factor_table,
    importance_table,
    pruning_table,
    robustness_table,
    share_table,
    to_xarray,
    tuning_table,
    with_trials,
)

__all__ = [
    "Comparison",
    "Results",
    "best_configurations",
    "compare",
    "difference_table",
    "edge_table",
    "factor_table",
    "importance_table",
    "load",
    "pruning_table",
    "robustness_table",
    "share_table",
    "to_xarray",
    "tuning_table",
    "with_trials",
]
