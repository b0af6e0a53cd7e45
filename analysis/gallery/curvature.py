"""How far is each mode from the edge of stability? Sharpness and effective beta against it."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.curvature import curvature_data, draw_curvature
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw both over the steps; return their medians over steps by learning rate, edge (inf: none) and mode."""
    data = curvature_data(load(directory))
    with style():
        draw_curvature(data).savefig(picture)
    curves = data.curves.fillna({"edge": float("inf")})
    return curves.pivot_table("mean", index=["measure", "lr", "edge"], columns="norm", aggfunc="median")


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
