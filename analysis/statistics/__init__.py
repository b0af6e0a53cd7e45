"""Statistics of plain arrays: reductions that skip NaN, intervals over seeds, rank correlations."""
