"""Make the page on Bjorck et al. 2018 and Ioffe & Szegedy 2015: `python -m analysis.studies.related`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.loading import Results, load
from analysis.measures.scores import final_score
from analysis.plots.accuracy import accuracy_data, draw_accuracy
from analysis.plots.saving import save
from analysis.plots.style import style
from analysis.plots.training import draw_training, training_data
from analysis.studies.finding import Finding, as_markdown, decades, difference
from analysis.studies.page import DATA, FIGURES, write

SWEEPS = ("bjorck_maxlr_cpu", "ioffe_lr_cpu")
LEARNED = 0.2
"""Accuracy from which on a trial of ten classes has learned something."""
ALIKE = 0.03
"""Of accuracy, in points over one: what counts as alike."""
BASE_LR, HIGHER_LR = 0.02, 0.1
"""Whose best accuracy is the bar: the first was declared, the second added after the runs."""


def of_bjorck(results: Results) -> Iterator[Finding]:
    """Batch normalization allows larger rates; at a rate that both bear nothing is gained."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    learned = trials[trials["score"] >= LEARNED]
    largest = decades(learned.groupby(["norm", "seed"])["lr"].max())
    larger = difference(largest, "batch", "none")
    yield Finding("Bjorck", "the largest lr that learns is larger with batch", "decades", larger, "above")
    scores = trials.set_index(["lr", "norm", "seed"])["score"]
    without = trials[trials["norm"] == "none"].groupby("lr")["score"].mean()
    best_lr = float(without.index[int(without.to_numpy().argmax())])
    gained = difference(scores.xs(best_lr), "batch", "none")
    text = f"at lr {best_lr:.2g}, the best without, both are alike"
    yield Finding("Bjorck", text, "accuracy", gained, "within", ALIKE)
    best = trials.groupby(["norm", "lr", "seed"])["score"].mean().groupby(["norm", "seed"]).max()
    better = difference(best, "batch", "none")
    yield Finding("Bjorck", "each at its best lr, batch is more accurate", "accuracy", better, "above")
    moments = results.moments
    last = moments[(moments["step"] == moments["step"].max()) & (moments["lr"] == best_lr)].astype({"norm": str})
    grows = _growth(last).xs("none")
    yield Finding("Bjorck", "without normalization activations grow with depth", "decades", grows, "above")


def _growth(moments: pd.DataFrame) -> pd.Series[float]:
    """Return by norm and seed how much larger the spread of the last three layers is than of the first, in decades."""
    spread = decades(moments["pre_std"]).groupby([moments["norm"], moments["seed"], moments["layer"]]).mean()
    return spread.groupby(["norm", "seed"]).agg(lambda by_layer: by_layer.iloc[-3:].mean() - by_layer.iloc[:3].mean())


def growth(results: Results) -> str:
    """Return by learning rate, without normalization, in how many seeds activations grow with depth, at both ends."""
    moments = results.moments[results.moments["norm"] == "none"].astype({"norm": str})
    ends = [int(moments["step"].min()), int(moments["step"].max())]
    shown = ["| lr | at step {} | at step {} |".format(*ends), "|---|---|---|"]
    for lr in sorted(moments.loc[moments["step"] == ends[1], "lr"].unique()):
        cells = list[str]()
        for step in ends:
            grown = _growth(moments[(moments["step"] == step) & (moments["lr"] == lr)]).xs("none").dropna()
            cells.append(f"{int((grown > 0).sum())} of {len(grown)} ({grown.mean():+.2f})")
        shown.append(f"| {lr:.2g} | {' | '.join(cells)} |")
    return "\n".join(shown)


def of_ioffe(results: Results, base_lr: float = BASE_LR) -> Iterator[Finding]:
    """Steps to the best accuracy that the net without normalization has at a rate, at each of the rates."""
    curves = results.curves.dropna(subset="test_acc").astype({"norm": str})
    at_base = curves[(curves["norm"] == "none") & (curves["lr"] == base_lr)]
    bar = at_base.groupby("seed")["test_acc"].max()
    last = int(curves["step"].max())
    needed = at_base.sort_values("test_acc").groupby("seed")["step"].last()
    for lr in sorted(curves["lr"].unique()):
        times = f"{lr / BASE_LR:.0f} x the rate"
        for norm in ("none", "batch"):
            if norm == "none" and lr <= base_lr:
                continue
            fewer = decades(needed / _steps_to(curves[(curves["norm"] == norm) & (curves["lr"] == lr)], bar, last))
            text = f"{norm} at {times} takes fewer steps to the best of none at {base_lr:g}"
            yield Finding("Ioffe", text, "decades fewer", fewer, "above")


def _steps_to(curves: pd.DataFrame, bar: pd.Series[float], last: int) -> pd.Series[float]:
    """Return by seed the first step at which the accuracy reaches the bar, linear between evaluations; the last of all
    where it never does.

    So that what never gets there counts, and as less of a loss than it is.
    """
    by_seed = curves.sort_values("step")
    found = [
        _first_at(by_seed[by_seed["seed"] == seed], of_seed, last)
        for seed, of_seed in zip(bar.index, bar.tolist(), strict=True)
    ]
    return pd.Series(found, index=bar.index)


def _first_at(rows: pd.DataFrame, bar: float, last: int) -> float:
    steps, accuracy = rows["step"].to_numpy(dtype=float), rows["test_acc"].to_numpy()
    reached = np.flatnonzero(accuracy >= bar)
    if not len(reached):
        return float(last)
    at = int(reached[0])
    before = max(at - 1, 0)
    return float(np.interp(bar, accuracy[[before, at]], steps[[before, at]]))


def tables(bjorck: Results, ioffe: Results) -> dict[str, str]:
    """Return the tables of the page by name."""
    return {
        "bjorck": as_markdown(of_bjorck(bjorck)),
        "growth": growth(bjorck),
        "ioffe": as_markdown(of_ioffe(ioffe)),
        "ioffe-higher-bar": as_markdown(of_ioffe(ioffe, HIGHER_LR)),
    }


def main() -> None:
    """Load what is kept, draw, and write the page."""
    bjorck, ioffe = (load(DATA / name) for name in SWEEPS)
    with style():
        save(draw_accuracy(accuracy_data(bjorck)), FIGURES, "bjorck-maxlr")
        save(draw_training(training_data(ioffe)), FIGURES, "ioffe-lr")
    write("related", tables(bjorck, ioffe))


if __name__ == "__main__":
    main()
