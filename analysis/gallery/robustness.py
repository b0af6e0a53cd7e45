"""Where does each mode train, and what accuracy is left of it on average? The picture for a poster."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.robustness import draw_robustness, robustness_data
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw a strip per mode; return the mean accuracies over log lr with their intervals."""
    data = robustness_data(load(directory))
    with style():
        draw_robustness(data).savefig(picture)
    return data.means


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
