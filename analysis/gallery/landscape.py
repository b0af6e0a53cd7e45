"""How smooth is the loss along the gradient? The first steps of training only, which are read alone."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.landscape import draw_landscape, landscape_data
from analysis.plots.style import style


def main(directory: str, picture: str, last_step: str = "1000") -> pd.DataFrame:
    """Draw the bands up to a step; return their median width by kind of step lengths and mode."""
    data = landscape_data(load(directory, steps=(0, int(last_step))))
    widths = (
        (data.bands["loss_max"] - data.bands["loss_min"]).groupby([data.bands["given_as"], data.bands["norm"]]).median()
    )
    with style():
        draw_landscape(data).savefig(picture)
    return widths.to_frame("median_width")


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
