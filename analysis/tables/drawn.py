"""The trials of a search that draws, with what its tables go by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.drawn import drawn_values
from analysis.measures.pooling import ALL
from analysis.measures.scores import final_score, require_score
from bnsweep.results.drawn_search import DrawnSearch

CELL = ["configuration", "norm", "init", "init_gain"]
"""What a search is one of, seeds apart; a gain that is drawn is `ALL`."""


def drawn_trials(results: Results, search: DrawnSearch) -> pd.DataFrame:
    """Return a row per trial with a score, in the order in which the search asked for them.

    Columns: those of `CELL`, lr, seed, trial_key, diverged, chance, score (a diverged one is at chance), and the values
    drawn, by the name of the axis after `at `.

    Raises:
        InputError: no trial has a score.
    """
    trials = results.trials
    require_score(trials)
    gain = ALL if "init_gain" in search.ranges else trials["init_gain"]
    found = trials[["norm", "init", "lr", "seed", "trial_key"]].assign(
        configuration=results.settings.of_trial,
        init_gain=gain,
        diverged=trials["status"] == "diverged",
        chance=(1 / trials["num_classes"]).fillna(0.0),
        score=final_score(trials),
    )
    found = found.join(drawn_values(trials, search).add_prefix("at "))
    asked = pd.Index(results.declared["trial_keys"] if results.declared else []).get_indexer(
        pd.Index(found["trial_key"])
    )
    return found.iloc[np.argsort(asked, kind="stable")].dropna(subset="score").reset_index(drop=True)
