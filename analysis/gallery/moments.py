"""How far do the activations of each layer drift during training, before and after the normalization?"""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.moments import draw_moments, moments_data
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw a ridge per layer and mode; return how much each moment varies over the steps."""
    data = moments_data(load(directory))
    with style():
        draw_moments(data).savefig(picture)
    return data.spreads


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
