"""What the figure of training shows: means over seeds, at the initialization where `none` does best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.measures.scores import final_score, has_accuracy
from analysis.plots.evenly_spaced import evenly_spaced
from analysis.plots.reference_cell import reference_cell
from bnsweep.errors import InputError

MAX_RATES = 4
COLUMNS = {"accuracy": ("train_acc", "test_acc"), "loss": ("train_loss", "test_loss")}
NUM_BLOCKS, NUM_BLOCKS_OF_MANY = 50, 20
"""Of the steps, over each of which the noisy values of mini-batches are averaged; fewer where many lines cross."""
MANY = 5
"""Modes."""


@dataclass(frozen=True, repr=False)
class TrainingData:
    """Curves of one configuration, a panel for each learning rate and each of training and test."""

    title: str
    subtitle: str
    norms: list[str]
    lrs: list[float]
    measure: str
    """accuracy or loss."""
    curves: pd.DataFrame
    """lr, norm, part (training, test), step; mean, low, high (over seeds that still train), n_seeds, n_ended (seeds
    that had diverged by then)."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"training": self.curves}


def training_data(results: Results) -> TrainingData:
    """Compute the curves at up to four learning rates, between the ends of where any mode trains.

    Raises:
        InputError: the sweep has no curves, or of each one step alone.
    """
    cell = reference_cell(results, "curves")
    chosen = results.trials[(results.trials["init"] == cell.init) & (results.trials["init_gain"] == cell.init_gain)]
    lrs = _rates(chosen, cell.lr)
    chosen = chosen[chosen["lr"].isin(lrs)]
    measure = _measure(results)
    num_blocks = NUM_BLOCKS if chosen["norm"].nunique() <= MANY else NUM_BLOCKS_OF_MANY
    curves = _curves(results.curves, chosen, measure, num_blocks)
    if curves.empty:
        raise InputError(
            "no curves: curves/ has one step of each trial; log: {curves: all} and a small log_every keep all"
        )
    is_tested = (curves["part"] == "test").any()
    return TrainingData(
        title=_title(chosen, lrs, measure),
        subtitle=f"At {cell.init}, gain {cell.init_gain:g}, {cell.reason}. Lines: mean over the seeds that still train"
        f"{', bands: their range' if num_blocks == NUM_BLOCKS else ''}. Training: means over {num_blocks} blocks of "
        "mini-batches. A cross ends the line of a mode of which a seed diverged."
        f"{'' if is_tested else ' Tested was at the end alone: train.eval_every.'}",
        norms=in_order(chosen["norm"]),
        lrs=lrs,
        measure=measure,
        curves=curves,
    )


def _measure(results: Results) -> str:
    """Return what the curves are of: accuracy where there is one, else loss.

    Raises:
        InputError: the curves have neither, as those of a user's own loop that logs other columns.
    """
    for measure, columns in COLUMNS.items():
        if measure == "accuracy" and not has_accuracy(results.trials):
            continue
        if results.curves[list(columns)].notna().any(axis=None):
            return measure
    raise InputError("no curve of accuracy or loss: the user's own loop logs none")


def _rates(trials: pd.DataFrame, reference: float) -> list[float]:
    """Return at most `MAX_RATES` tested learning rates, the reference and the largest that trains among them."""
    tested = sorted(trials["lr"].unique().tolist())
    if len(tested) <= MAX_RATES:
        return tested
    best = trials.assign(score=final_score(trials)).groupby("lr")["score"].max()
    trained = [lr for lr in tested if best[lr] >= 0.5 * best.max()]
    inside = [lr for lr in tested if trained[0] <= lr <= trained[-1]] if trained else tested
    picks = evenly_spaced(inside, MAX_RATES)
    if reference in inside and reference not in picks:
        picks[int(np.argmin(np.abs(np.log(picks) - np.log(reference))))] = reference
    return sorted(picks)


def _curves(rows: pd.DataFrame, trials: pd.DataFrame, measure: str, num_blocks: int) -> pd.DataFrame:
    """Return `TrainingData.curves`; without training or test where there is one step of it alone."""
    rows = rows[rows["trial_key"].isin(trials["trial_key"])]
    of_training, of_test = COLUMNS[measure]
    block = max(1, int(trials["steps"].max()) // num_blocks)
    tested, trained = _at_steps(rows, of_test, "test"), _at_steps(rows, of_training, "training")
    trained = trained.assign(step=trained["step"] // block * block + block // 2)
    keys = ["lr", "norm", "part", "step"]
    by_seed = pd.concat([trained, tested]).groupby([*keys, "seed"], observed=True)["value"].mean()
    drawn = by_seed.groupby(keys, observed=True).agg(["mean", "min", "max", "count"]).reset_index()
    drawn = drawn.rename(columns={"min": "low", "max": "high", "count": "n_seeds"}).astype({"step": int})
    return drawn.assign(n_ended=_ended(drawn, trials))


def _at_steps(rows: pd.DataFrame, column: str, part: str) -> pd.DataFrame:
    """Return the rows that have a value, with it and their part; none where they are of one step alone."""
    known = rows.dropna(subset=column)
    known = known.assign(part=part, value=known[column])
    return known if known["step"].min() < known["step"].max() else known.iloc[:0]


def _ended(drawn: pd.DataFrame, trials: pd.DataFrame) -> pd.Series[int]:
    """Return of each point how many seeds had diverged by its step."""
    lost = trials.loc[trials["status"] == "diverged", ["lr", "norm", "stop_step"]]
    pairs = drawn[["lr", "norm", "step"]].reset_index().merge(lost, on=["lr", "norm"])
    counts = pairs[pairs["stop_step"] <= pairs["step"]].groupby("index").size()
    return counts.reindex(drawn.index, fill_value=0)


def _title(trials: pd.DataFrame, lrs: list[float], measure: str) -> str:
    """Return the best mode at the largest rate drawn, beside the worst."""
    at = trials[trials["lr"] == lrs[-1]]
    final = at.assign(score=final_score(at)).groupby(at["norm"].astype(str))["score"].mean().dropna()
    if measure != "accuracy" or final.empty:
        return (
            f"{measure.capitalize()} over the steps of training, at learning rates from {lrs[0]:.2g} to {lrs[-1]:.2g}"
        )
    final = final.sort_values(ascending=False, kind="stable")
    named = final if len(final) <= MAX_RATES else final.iloc[[0, -1]]
    parts = ", ".join(f"{norm} {value:.2f}" for norm, value in named.items())
    return f"Final test accuracy at learning rate {lrs[-1]:.2g}: {parts}"
