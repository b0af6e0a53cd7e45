"""The best configurations of each mode: where to begin with tuning, and how much is lost beside the best."""

from __future__ import annotations

import pandas as pd

from analysis.loading import Results
from analysis.measures.scores import R2, final_score, require_score, says_accuracy
from bnsweep.errors import InputError

CELL = ("norm", "configuration", "init", "init_gain", "lr")
"""What is chosen, seeds apart."""
BEST_COLUMNS = (
    *("norm", "rank", "configuration", "init", "init_gain", "lr"),
    *("measure", "value", "sd", "n_seeds", "n_diverged"),
)


def best_configurations(results: Results, count: int = 3) -> pd.DataFrame:
    """Return the best points of the grid of each mode, the best first; a point is what trials of several seeds share.

    The best of many noisy means is too good, the more so the more there are and the fewer the seeds; so there is no
    interval, and learning rates that a search has added for some modes are left out. What the chosen point is worth,
    seeds tell that were not used for choosing it.

    >>> from analysis import best_configurations, load
    >>> best = best_configurations(load("results/mini"), count=1)
    >>> best[["norm", "init_gain", "lr", "measure", "value", "n_seeds"]].round(2)
              norm  init_gain    lr   measure  value  n_seeds
    0         none        0.5  0.10  accuracy   0.92        4
    1        batch        0.5  0.01  accuracy   0.96        4
    2  noisy_batch        0.5  0.01  accuracy   0.94        4

    Args:
        results: trials with a score or, of a user's own loop, a metric.
        count: how many of each mode.

    Columns: norm, rank (1 is the best), configuration, init, init_gain, lr, measure (accuracy; R² of real targets; else
    the name of the metric), value (mean over seeds; a diverged run is at chance, and has no metric), sd (over seeds),
    n_seeds (with a value; points that lack one that others have come last), n_diverged.

    Raises:
        InputError: a count below 1, or trials that say nothing of how good their model is.
    """
    if count < 1:
        raise InputError(f"count: given {count}; it should be 1 or more")
    results = results.at_common_lrs
    measure, values, is_max = _ranked_by(results.trials)
    trials = results.trials.assign(
        configuration=results.settings.of_trial, value=values, diverged=results.trials["status"] == "diverged"
    )
    cells = trials.groupby(list(CELL), observed=True).agg(
        value=("value", "mean"), sd=("value", "std"), n_seeds=("value", "count"), n_diverged=("diverged", "sum")
    )
    cells = cells[cells["n_seeds"] > 0].reset_index()
    cells["lacks_seeds"] = cells["n_seeds"] < cells["n_seeds"].max()
    ranked = cells.sort_values(["norm", "lacks_seeds", "value"], ascending=[True, True, not is_max], kind="stable")
    ranked = ranked.assign(measure=measure, rank=ranked.groupby("norm", observed=True).cumcount() + 1)
    return ranked.loc[ranked["rank"] <= count, list(BEST_COLUMNS)].reset_index(drop=True)


def _ranked_by(trials: pd.DataFrame) -> tuple[str, pd.Series[float], bool]:
    """Return by what trials are ranked: its name, its values, and whether more is better."""
    score = final_score(trials)
    if score.notna().any() or "metric" not in trials or trials["metric"].isna().all():
        require_score(trials)
        return "accuracy" if says_accuracy(trials) else R2, score, True
    name, mode = (str(trials[column].dropna().iloc[0]) for column in ("metric_name", "metric_mode"))
    return name, trials["metric"].astype(float), mode == "max"
