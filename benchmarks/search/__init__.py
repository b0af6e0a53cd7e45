"""What searches find, and what they cost, where the truth is known: replays on the outcomes of whole grids.

    python -m benchmarks.search [--grid DIR] [--repeats 1000] [--only edges|adaptive|tuning|share] [--world NAME]

The grid is `benchmarks/search/grid.yaml`, 21 rates x 5 gains x 20 seeds of two modes of the mini net, run once:

    bnsweep run benchmarks/search/grid.yaml --out DIR

Of `sweeps/million.yaml` (`python -m benchmarks.million --out results/million`), which has one seed, `--only edges`
looks for the edges of each of its 1,024 gains once.

A replay draws seeds from it with replacement; what it holds of all of its seeds is the truth. Without it the replays
are on simulated outcomes alone, of which the truth is known as well, and on the study in `docs/studies`.
"""
