"""How large is the effective learning rate of each layer, which the length of its weight decides as much as lr?"""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.layers import draw_layers, layers_data
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw the rates over steps; return the median of the effective learning rate by mode and layer."""
    data = layers_data(load(directory))
    with style():
        draw_layers(data).savefig(picture)
    return data.rates.groupby(["norm", "layer", "layer_name"])["effective_lr_mean"].median().to_frame()


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
