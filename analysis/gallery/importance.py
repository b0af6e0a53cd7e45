"""Which hyperparameter matters under which mode? A figure of one's own, with seaborn on a table of the analysis."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.canvas import new_figure
from analysis.plots.style import NORM_STYLES, style
from analysis.tables import importance_table


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw fANOVA's importance of every hyperparameter by mode; return how much each mode's accuracy varies."""
    import seaborn as sns

    table = importance_table(load(directory))
    colors = {norm: look.color for norm, look in NORM_STYLES.items()} | {"all": "black"}
    with style():
        fig = new_figure(2.6)
        fanova = table[table["evaluator"] == "fanova"]
        sns.barplot(fanova, x="importance", y="parameter", hue="norm", palette=colors, ax=fig.subplots())
        fig.savefig(picture)
    return table.groupby("norm", sort=False)[["accuracy_sd"]].first()


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
