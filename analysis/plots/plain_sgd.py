"""Whether a trial's own steps go along the gradient, so that a walk along it says what training meets."""

from __future__ import annotations

import pandas as pd

PLAIN = {"optimizer": "sgd", "momentum": 0, "weight_decay": 0}


def are_plain(trials: pd.DataFrame) -> bool:
    """Return whether all trials are by SGD without momentum and weight decay, whose step is -lr g."""
    return all(bool((trials[name] == value).all()) for name, value in PLAIN.items())
