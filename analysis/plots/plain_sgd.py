"""Whether a trial's own steps go along the gradient, so that a walk along it says what training meets."""

from __future__ import annotations

import pandas as pd

PLAIN = {"optimizer": "sgd", "momentum": 0, "weight_decay": 0}


def are_plain(trials: pd.DataFrame) -> bool:
    """Return whether all trials are by SGD without momentum, weight decay and clipping, whose step is -lr g.

    Of a loop of the user's own nobody knows: `train` need not be what it does.
    """
    is_sgd = all(bool((trials[name] == value).all()) for name, value in PLAIN.items())
    return is_sgd and bool(trials["clip_norm"].isna().all()) and not is_own(trials)


def is_own(trials: pd.DataFrame) -> bool:
    """Return whether any of the trials is by a loop of the user's own."""
    return "trial" in trials and bool(trials["trial"].notna().any())
