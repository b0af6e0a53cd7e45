"""Make the page on what the paper leaves open: `python -m analysis.studies.variants` writes its tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.loading import Results, load
from analysis.measures.scores import final_score
from analysis.measures.walks import MULTIPLES, walks
from analysis.plots.saving import save
from analysis.plots.style import style
from analysis.studies.finding import Finding, as_markdown, decades, difference
from analysis.studies.forest import draw_findings
from analysis.studies.page import DATA, FIGURES, write
from analysis.studies.paper.findings import AS_GOOD

DIRECTORY = DATA / "variants_cpu"
TITLE = "What the paper leaves open: probes in train or eval mode, the distance, the constant of lp normalization"
WALK = ["lr", "norm", "seed", "step"]


def of_probes(results: Results, in_eval: pd.DataFrame) -> Iterator[Finding]:
    """Smoother with batch: by probes in train and in eval mode, by beta with and without the gradient's length."""
    keys = results.trials.loc[results.trials["model_options"].astype(str).str.contains('"scale": ?1.0'), "trial_key"]
    in_train = walks(results.landscape, MULTIPLES)
    for mode, rows in (("train", in_train), ("eval", in_eval)):
        kept = rows[rows["trial_key"].isin(keys)].astype({"norm": str})
        kept = kept.assign(per_alpha=kept["beta"] * kept["grad_norm"])
        extremes = kept.groupby(WALK).agg(
            low=("loss", "min"), high=("loss", "max"), beta=("beta", "max"), per_alpha=("per_alpha", "max")
        )
        measures = {
            "the loss band": extremes["high"] - extremes["low"],
            "beta, over alpha ||g||": extremes["beta"],
            "beta, over alpha": extremes["per_alpha"],
        }
        for what, values in measures.items():
            level = decades(values.groupby(["lr", "norm", "seed"]).median())
            mean = level.groupby(["norm", "seed"]).mean()
            text = f"{mode} mode: {what} is smaller with batch, mean over lr"
            yield Finding("landscape", text, "decades", difference(mean, "batch", "none"), "below")


def of_formulas(results: Results) -> Iterator[Finding]:
    """Each lp normalization is at least as good as none, whatever constant its formula has."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    scale = trials["model_options"].astype(str).str.extract(r'"scale": ?([0-9.]+)')[0].astype(float)
    mean = trials.groupby([scale.rename("scale"), "norm", "seed"])["score"].mean()
    plain = mean.xs(1.0).xs("none")
    for norm in ("l1", "l2", "linf"):
        for factor in sorted(scale.unique()):
            text = f"{norm} times {factor:g} is at least as accurate as none, mean over lr"
            better: pd.Series[float] = mean.xs(factor).xs(norm) - plain
            yield Finding("lp", text, "accuracy", better, "above", AS_GOOD)


def read_own(directory: Path, table: str) -> pd.DataFrame:
    """Return the rows of a table of a probe of one's own."""
    return pd.read_parquet(directory / table)


def tables(results: Results) -> dict[str, str]:
    """Return the tables of the page by name."""
    in_eval = read_own(DIRECTORY, "landscape_eval")
    return {"probes": as_markdown(of_probes(results, in_eval)), "formulas": as_markdown(of_formulas(results))}


def main() -> None:
    """Load what is kept, draw, and write the page."""
    results = load(DIRECTORY)
    found = [*of_probes(results, read_own(DIRECTORY, "landscape_eval")), *of_formulas(results)]
    with style():
        save(draw_findings(found, TITLE), FIGURES, "variants")
    write("variants", tables(results))


if __name__ == "__main__":
    main()
