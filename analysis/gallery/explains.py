"""Does smoothness or internal covariate shift go with the final accuracy? Each trial a point."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.explains import draw_explains, explains_data
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw the trials and the rank correlations within each mode; return these."""
    data = explains_data(load(directory))
    with style():
        draw_explains(data).savefig(picture)
    return data.correlations


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
