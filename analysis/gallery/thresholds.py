"""How much hangs on what counts as trained? Decades that train, at thresholds from 50 to 99 % of the best."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.style import style
from analysis.plots.thresholds import draw_thresholds, thresholds_data


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw a panel per mode; return the decades by threshold and mode, by either bar."""
    data = thresholds_data(load(directory))
    with style():
        draw_thresholds(data).savefig(picture)
    return data.profile.pivot_table("value", index=["bar", "fraction"], columns="norm", observed=True)


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
