"""The sweep on one page, fit for a paper."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.style import style
from analysis.plots.summary import draw_summary, summary_data


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw the six panels; return over how many decades each mode trains, with intervals."""
    data = summary_data(load(directory))
    with style():
        draw_summary(data).savefig(picture)
    return data.widths[["norm", "value", "low", "high", "n_seeds"]]


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
