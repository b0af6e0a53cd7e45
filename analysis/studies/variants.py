"""Make the page on what the paper leaves open: `python -m analysis.studies.variants` writes its tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.loading import Results, load
from analysis.loading.order import in_order
from analysis.measures.scores import final_score
from analysis.measures.walks import MULTIPLES, walks
from analysis.plots.saving import save
from analysis.plots.style import style
from analysis.studies.finding import Finding, as_markdown, decades, difference
from analysis.studies.forest import draw_findings
from analysis.studies.page import DATA, FIGURES, write
from analysis.studies.paper.findings import AS_GOOD

DIRECTORY = DATA / "variants_cpu"
TITLE = "Batch along its gradient, in train and in eval mode, and lp normalization times a constant"
LEARN = [0.1, 0.3]
"""The learning rates at which nets with and without batch normalization both learn: seen in the results."""
WALK = ["lr", "norm", "seed", "step"]


def of_probes(results: Results, in_eval: pd.DataFrame) -> Iterator[Finding]:
    """Smoother with batch: by probes in train and in eval mode, by beta with and without the gradient's length."""
    for mode, extremes in _walks_of(results, in_eval).items():
        measures = {
            "the loss band": extremes["band"],
            "beta, over alpha ||g||": extremes["beta"],
            "beta, over alpha": extremes["per_alpha"],
        }
        for what, values in measures.items():
            level = decades(values.groupby(["lr", "norm", "seed"]).median())
            learn = level[level.index.get_level_values("lr").isin(LEARN)]
            for source, rates, chosen in (
                ("landscape", "mean over lr", level),
                ("afterwards", "lr 0.1 and 0.3", learn),
            ):
                mean = chosen.groupby(["norm", "seed"]).mean()
                text = f"{mode} mode: {what} is smaller with batch, {rates}"
                yield Finding(source, text, "decades", difference(mean, "batch", "none"), "below")


def table_by_lr(results: Results, in_eval: pd.DataFrame) -> str:
    """Return a table of Markdown: by learning rate the loss, its band and beta of both nets, in either mode."""
    head = "| lr | loss: none, batch | loss band, train mode | beta, train | loss band, eval mode | beta, eval |"
    lines = [head, "|" + "---|" * 6]
    by_mode = [extremes.groupby(["norm", "lr"]).median() for extremes in _walks_of(results, in_eval).values()]
    for lr in sorted(results.trials["lr"].unique()):
        train, evaluated = ([medians.loc[(norm, lr)] for norm in ("none", "batch")] for medians in by_mode)
        cells = [_pair(train, "low")]
        for nets in (train, evaluated):
            cells += [_pair(nets, name) for name in ("band", "beta")]
        lines.append(f"| {lr:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _pair(nets: list[pd.Series[float]], name: str) -> str:
    return ", ".join(f"{net[name]:.2g}" for net in nets)


def _walks_of(results: Results, in_eval: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return by mode each walk of the nets as they are: low, high, band of the loss; beta, per_alpha.

    Index: lr, norm, seed, step.
    """
    keys = results.trials.loc[results.trials["model_options"].astype(str).str.contains('"scale": ?1.0'), "trial_key"]
    found = {}
    for mode, rows in (("train", walks(results.landscape, MULTIPLES)), ("eval", in_eval)):
        kept = rows[rows["trial_key"].isin(keys)].astype({"norm": str})
        kept = kept.assign(per_alpha=kept["beta"] * kept["grad_norm"])
        extremes = kept.groupby(WALK).agg(
            low=("loss", "min"), high=("loss", "max"), beta=("beta", "max"), per_alpha=("per_alpha", "max")
        )
        found[mode] = extremes.assign(band=extremes["high"] - extremes["low"])
    return found


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
    text = "linf times 4 is as accurate as l2 times 1, to 0.02, mean over lr"
    yield Finding("afterwards", text, "accuracy", mean.xs(4.0).xs("linf") - mean.xs(1.0).xs("l2"), "above", AS_GOOD)


def table_of_scales(results: Results) -> str:
    """Return a table of Markdown: the accuracy of each mode at each scale, mean over learning rates and seeds."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    trials["scale"] = trials["model_options"].astype(str).str.extract(r'"scale": ?([0-9.]+)')[0].astype(float)
    scales = sorted(trials["scale"].unique())
    mean = trials.groupby(["norm", "scale"])["score"].mean()
    lines = ["| norm | " + " | ".join(f"times {scale:g}" for scale in scales) + " |", "|" + "---|" * (1 + len(scales))]
    lines += [
        f"| {norm} | " + " | ".join(f"{mean[norm, scale]:.3f}" for scale in scales) + " |"
        for norm in in_order(trials["norm"])
    ]
    return "\n".join(lines)


def read_own(directory: Path, table: str) -> pd.DataFrame:
    """Return the rows of a table of a probe of one's own."""
    return pd.read_parquet(directory / table)


def tables(results: Results) -> dict[str, str]:
    """Return the tables of the page by name."""
    in_eval = read_own(DIRECTORY, "landscape_eval")
    return {
        "probes": as_markdown(of_probes(results, in_eval)),
        "by-lr": table_by_lr(results, in_eval),
        "scales": table_of_scales(results),
        "formulas": as_markdown(of_formulas(results)),
    }


def main() -> None:
    """Load what is kept, draw, and write the page."""
    results = load(DIRECTORY)
    found = [*of_probes(results, read_own(DIRECTORY, "landscape_eval")), *of_formulas(results)]
    with style():
        save(draw_findings(found, TITLE), FIGURES, "variants")
    write("variants", tables(results))


if __name__ == "__main__":
    main()
