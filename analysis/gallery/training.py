"""How does accuracy grow over the steps of training? Two modes beside each other, at a few learning rates."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.style import style
from analysis.plots.training import draw_training, training_data


def main(directory: str, picture: str, *norms: str) -> pd.DataFrame:
    """Draw the modes named, `none` and `batch` by default; return the last point of each line."""
    data = training_data(load(directory, norms=norms or ("none", "batch")))
    with style():
        draw_training(data).savefig(picture)
    return data.curves.groupby(["lr", "norm", "part"], observed=True).tail(1)


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
