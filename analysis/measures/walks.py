"""The two kinds of walks along the gradient, which nothing is taken over together."""

from __future__ import annotations

import pandas as pd

MULTIPLES, LENGTHS = "lr_multiple", "alpha"
"""How a step length was given: as a multiple of the learning rate, or as it is, the same at every learning rate."""


def walks(landscape: pd.DataFrame, given_as: str = MULTIPLES) -> pd.DataFrame:
    """Return the rows of `landscape` at one kind of step lengths."""
    return landscape[landscape["given_as"] == given_as]
