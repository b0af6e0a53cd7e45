"""What becomes of the paper's claims? The verdict on each statement, and what one sweep alone cannot say."""

from __future__ import annotations

import sys

import pandas as pd

from analysis.loading import load
from analysis.plots.claims import claims_data, draw_claims
from analysis.plots.style import style


def main(directory: str, picture: str) -> pd.DataFrame:
    """Draw every statement; return them with their verdicts and what it would take to decide."""
    data = claims_data(load(directory))
    with style():
        draw_claims(data).savefig(picture)
    return data.statements[["label", "verdict", "effect", "low", "high", "n", "advice"]]


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string())
