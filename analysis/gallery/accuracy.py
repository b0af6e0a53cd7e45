"""Over how many decades of learning rate does each mode train? Every trial, and the intervals over seeds."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.accuracy import accuracy_data, draw_accuracy
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw the widths above the accuracies that they come from; return them with their intervals."""
    data = accuracy_data(load(directory))
    with style():
        draw_accuracy(data).savefig(picture)
    return data.widths[["norm", "value", "low", "high", "n_seeds"]]


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
