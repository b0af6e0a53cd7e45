"""What a pruner stopped, and what it saved."""

from __future__ import annotations

import pandas as pd

from analysis.loading import Results
from analysis.loading.pruned import is_pruned
from analysis.measures.scores import final_score

CELL = ["configuration", "norm", "init"]
"""Within which a pruner compares trials, other settings apart: they differ in init_gain, lr and seed."""
FIGURES = ("n_trials", "n_completed", "n_diverged", "n_pruned", "steps_share")


def pruning_table(results: Results) -> pd.DataFrame:
    """Return how many trials of each mode came how far, a row for each configuration, mode and initialization.

    >>> from analysis import load, pruning_table
    >>> table = pruning_table(load("results/pruned"))
    >>> table[["norm", "n_trials", "n_completed", "pruned at 25", "steps_share"]].round(2)
              norm  n_trials  n_completed  pruned at 25  steps_share
    0         none        30            6            14         0.31
    1        batch        30           18             6         0.66
    2  noisy_batch        30           18             9         0.65

    Columns: those of `CELL`; n_trials that ended; n_completed; n_diverged; n_pruned; steps_share, the steps that they
    took as a share of those that all of them to their ends would have; and for each step at which any was pruned how
    many were, `pruned at 25`.
    """
    trials = results.trials.assign(configuration=results.settings.of_trial)
    rungs = sorted(int(step) for step in trials.loc[is_pruned(trials), "stop_step"].unique())
    rows = [
        {
            **dict(zip(CELL, cell, strict=True)),
            "n_trials": len(part),
            **{f"n_{status}": int((part["status"] == status).sum()) for status in ("completed", "diverged", "pruned")},
            "steps_share": part["stop_step"].sum() / part["steps"].sum(),
            **{f"pruned at {rung}": int((part.loc[is_pruned(part), "stop_step"] == rung).sum()) for rung in rungs},
        }
        for cell, part in trials.groupby(CELL, observed=True)
    ]
    columns = [*CELL, *FIGURES, *(f"pruned at {rung}" for rung in rungs)]
    return pd.DataFrame(rows, columns=columns).astype({axis: results.trials[axis].dtype for axis in ("norm", "init")})


def score_at_end(results: Results) -> pd.Series[float]:
    """Return the score of each trial where it ended: of a pruned one that by which it was stopped, NaN if it has none.

    A diverged one is at chance.
    """
    trials, curves = results.trials, results.curves
    if not is_pruned(trials).any():
        return final_score(trials)
    last = curves[curves["test_loss"].notna()].drop_duplicates("trial_key", keep="last").set_index("trial_key")
    stopped = is_pruned(trials)
    scores = {
        name: trials[name].mask(stopped, trials["trial_key"].map(last[name])) for name in ("test_acc", "test_loss")
    }
    return final_score(trials.assign(**scores))
