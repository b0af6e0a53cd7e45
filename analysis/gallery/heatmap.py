"""At which learning rates and initialization gains does a mode train? Two modes beside each other."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.heatmap import draw_heatmap, heatmap_data
from analysis.plots.style import style


def main(directory: str, picture: str, *norms: str) -> pd.DataFrame:
    """Draw the modes named, `none` and `batch` by default; return where most seeds of each train."""
    data = heatmap_data(load(directory, norms=norms or ("none", "batch")))
    with style():
        draw_heatmap(data).savefig(picture)
    return data.cells[data.cells["trains"]]


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
