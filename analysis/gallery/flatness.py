"""Are the minima of a mode flatter, and do they generalize better? Each trial that learned a point."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.flatness import draw_flatness, flatness_data
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw the trials; return the medians of each mode."""
    data = flatness_data(load(directory))
    with style():
        draw_flatness(data).savefig(picture)
    return data.medians


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
