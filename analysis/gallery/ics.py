"""How large is internal covariate shift, layer by layer? Only the columns that the figure needs are read."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.ics import draw_ics, ics_data
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw the shift of every layer; return its median over steps by layer and mode."""
    data = ics_data(load(directory, columns={"ics": ["layer_name", "ics_l2", "ics_cos", "grad_norm"]}))
    with style():
        draw_ics(data).savefig(picture)
    return data.shifts.pivot_table("ics_relative_mean", index="layer_name", columns="norm", aggfunc="median")


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
