"""The tuning table: the best configuration that searches found of each mode, and how many trials that took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.drawn import require_drawn
from analysis.statistics.intervals import seed_interval
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.tables.drawn import CELL, drawn_trials
from bnsweep.errors import InputError
from bnsweep.results.drawn_search import DRAWING

WITHIN = 0.01
"""How near to the best of its search a trial counts as having found it, in accuracy."""
LATE = 0.75
"""A search that comes as near only after this share of its trials may have found less than there is."""
TUNING_COLUMNS = (
    *CELL,
    *("best", "best_low", "best_high", "trials", "trials_low", "trials_high", "n_late"),
    *("n_seeds", "n_trials", "n_diverged", "trial_key", "score"),
)


@dataclass(frozen=True)
class Searches:
    """What the searches of a mode gave, one for each seed.

    Args:
        scores: in the order in which they were asked for, shape (S, n); NaN beyond the end of one.
    """

    scores: Floats

    @property
    def so_far(self) -> Floats:
        """The best after each trial, shape (S, n)."""
        filled = np.where(np.isnan(self.scores), -np.inf, self.scores)
        return np.where(np.isnan(self.scores), np.nan, np.maximum.accumulate(filled, axis=1))

    @property
    def best(self) -> Floats:
        """The best of each search, shape (S,)."""
        return np.asarray(np.nanmax(self.scores, axis=1))

    def trials_to(self, within: float) -> Floats:
        """Return by which trial each search came so near to its best, from 1, shape (S,)."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.scores >= self.best[:, None] - within).argmax(axis=1) + 1.0)


def searches_of(trials: pd.DataFrame) -> Searches:
    """Return what searches gave, of the rows of one cell by `drawn_trials`."""
    by_seed = [part["score"].to_numpy(dtype=float) for _, part in trials.groupby("seed")]
    scores = np.full((len(by_seed), max(map(len, by_seed))), np.nan)
    for row, values in zip(scores, by_seed, strict=True):
        row[: len(values)] = values
    return Searches(scores)


def best_interval(best: Floats) -> tuple[Floats, Floats]:
    """Return an interval (low, high) for the mean over searches, the last axis, of the best scores.

    None where most searches tie, as they do at the score of a small test set: that others did as badly as can be is
    all that could be said then.
    """
    low, high = seed_interval(best)
    return np.maximum(low, 0), np.minimum(high, 1)


def tuning_table(results: Results, within: float = WITHIN) -> pd.DataFrame:
    """Return one row per configuration, norm, init and gain of a sweep whose trials a search draws.

    Each seed has a search of its own, so that what it found, and by which trial, has an interval over seeds. The best
    of many noisy trials is too good: what the best configuration is worth, seeds tell that were not used to find it.

    >>> from analysis import load, tuning_table
    >>> table = tuning_table(load("results/qmc"))
    >>> table[["norm", "best", "trials", "n_late", "at lr"]].round(2)
              norm  best  trials  n_late  at lr
    0         none  0.67    19.5       1   0.12
    1        batch  0.96     2.0       0   0.01
    2  noisy_batch  0.94     2.0       0   0.01

    Args:
        results: of a sweep with search tpe, gp, random or qmc.
        within: how near to the best of its search a trial counts as having found it, in accuracy or R².

    Columns: configuration, norm, init, init_gain ("all" where it is a range), best (the mean over searches of their
    best score), best_low, best_high (interval at `CONFIDENCE`; NaN where there is none, as where most searches tie),
    trials (the mean number of trials until a search had come within `within` of its best), trials_low, trials_high,
    n_late (searches that came there in the last quarter of their trials, and may go on to something better: then
    `trials` is too few), n_seeds (searches), n_trials, n_diverged, and of the best trial of all searches trial_key,
    score and `at AXIS` for each range.

    Raises:
        InputError: the trials were not drawn, none has a score, or `within` is negative.
    """
    if within < 0:
        raise InputError(f"within: given {within}; it should be 0 or more")
    search = require_drawn(results.drawn, DRAWING)
    trials = drawn_trials(results, search)
    rows = [
        dict(zip(CELL, cell, strict=True)) | _row(part, within) for cell, part in trials.groupby(CELL, observed=True)
    ]
    drawn = [f"at {name}" for name in search.ranges]
    return pd.DataFrame(rows, columns=[*TUNING_COLUMNS, *drawn]).astype({"norm": results.trials["norm"].dtype})


def _row(trials: pd.DataFrame, within: float) -> dict[str, object]:
    found = searches_of(trials)
    needed, lengths = found.trials_to(within), (~np.isnan(found.scores)).sum(axis=1)
    best_low, best_high = best_interval(found.best[None])
    low, high = seed_interval(needed[None], least=1.0, most=float(lengths.max()))
    chosen = trials.iloc[int(trials["score"].argmax())]
    return {
        "best": float(nan_mean(found.best, -1)),
        "best_low": float(best_low[0]),
        "best_high": float(best_high[0]),
        "trials": float(needed.mean()),
        "trials_low": float(low[0]),
        "trials_high": float(high[0]),
        "n_late": int((needed > LATE * lengths).sum()),
        "n_seeds": len(lengths),
        "n_trials": len(trials),
        "n_diverged": int(trials["diverged"].sum()),
        "trial_key": chosen["trial_key"],
        "score": float(chosen["score"]),
        **{name: chosen[name] for name in map(str, trials) if name.startswith("at ")},
    }
