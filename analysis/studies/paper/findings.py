"""The statements of the paper's figures, and what the runs say of each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.order import in_order
from analysis.measures.scores import final_score
from analysis.measures.walks import MULTIPLES, walks
from analysis.studies.finding import Finding, decades, difference

NEAR = 0.1
"""Of accuracy: what counts as near chance."""
AS_GOOD = -0.02
"""Of accuracy: what counts as no worse."""
AS_LARGE = float(np.log10(0.8))
"""Of decades: what counts as similar or larger, a fifth less."""
SAME_LEVEL = 0.1
"""Of decades: what counts as the same level of beta."""
FIGURE_3_LRS = (0.1, 0.01)
OURS = "ours"
"""The source of a statement that is not in the paper."""
LATE = 1 / 3
"""Of the steps: those after which levels are compared; the paper's are read off after step 5,000 of 15,000."""


def of_learning_rates(results: Results) -> Iterator[Finding]:
    """Figure 1: at 0.5 the standard net stays near chance, and batch normalization trains."""
    score, running = _scores(results)
    chance = 1 / float(results.trials["num_classes"].iloc[0])
    high, low = 0.5, 0.1
    above_chance = score[high].xs("none") - chance
    yield Finding("fig 1", "lr 0.5: the standard net stays near chance", "accuracy", above_chance, "within", NEAR)
    for lr in (high, low):
        better = difference(score[lr], "batch", "none")
        yield Finding("fig 1", f"lr {lr:g}: batch is more accurate than none", "accuracy", better, "above")
        better = difference(running[lr], "batch", "none")
        yield Finding("fig 1", f"lr {lr:g}: and so by running statistics", "accuracy", better, "above")


def of_noise(results: Results) -> Iterator[Finding]:
    """Figure 2: with noise injected about as good as without, better than the standard net; by each way to evaluate."""
    training = _by_lr(results, results.trials["train_acc"])
    hows = ("", ", by running statistics", ", in training")
    for scores, how in zip((*_scores(results), training), hows, strict=True):
        same = difference(scores[0.1], "noisy_batch", "batch")
        text = f"lr 0.1: noisy_batch is as accurate as batch, to 0.02{how}"
        yield Finding("fig 2", text, "accuracy", same, "above", AS_GOOD)
        better = difference(scores[0.1], "noisy_batch", "none")
        yield Finding("fig 2", f"lr 0.1: noisy_batch is more accurate than none{how}", "accuracy", better, "above")


def of_lp_norms(results: Results) -> Iterator[Finding]:
    """Figure 5: each lp normalization is at least as good as the standard net."""
    score = _scores(results)[0][0.1]
    for norm in ("l1", "l2", "linf"):
        text = f"lr 0.1: {norm} is at least as accurate as none, to 0.02"
        yield Finding("fig 5", text, "accuracy", difference(score, norm, "none"), "above", AS_GOOD)


def of_moments(results: Results) -> Iterator[Finding]:
    """Figure 8: with injected noise the inputs of layers move more than in the standard net, and than with BN."""
    rows = results.moments.dropna(subset="mean_shift")
    for source, what, prefix in (("fig 8", "activations", ""), (OURS, "inputs of the normalizations", "pre_")):
        moved = decades(rows[f"{prefix}mean_shift"].abs() + rows[f"{prefix}std_shift"].abs())
        level = moved.groupby([rows["norm"].astype(str), rows["seed"]]).median()
        for other in ("none", "batch"):
            text = f"lr 0.1: {what} move more with noisy_batch than with {other}"
            yield Finding(source, text, "decades", difference(level, "noisy_batch", other), "above")


def of_smoothing(results: Results, lr: float = 0.1) -> Iterator[Finding]:
    """Whether what batch normalization does to the landscape remains with noise behind it, and with lp norms."""
    band = decades(measured_walks(results, lr).groupby(["norm", "seed"])["loss_width"].median())
    for norm in in_order(band.index.unique("norm").drop("none")):
        text = f"lr {lr:g}: the loss varies less along the gradient with {norm} than with none"
        yield Finding(OURS, text, "decades", difference(band, norm, "none"), "below")


def against_batch(results: Results, lr: float = 0.1) -> Iterator[Finding]:
    """Whether other modes are like batch normalization: in accuracy, on training samples too, and in the loss band."""
    test, train = _scores(results)[0][lr], _by_lr(results, results.trials["train_acc"])[lr]
    band = decades(measured_walks(results, lr).groupby(["norm", "seed"])["loss_width"].median())
    for norm in in_order(band.index.unique("norm").drop(["none", "batch"])):
        for score, how in ((test, ""), (train, ", in training")):
            text = f"{norm} is as accurate as batch, to 0.02{how}"
            yield Finding(OURS, text, "accuracy", difference(score, norm, "batch"), "within", -AS_GOOD)
        text = f"with {norm} the loss varies along the gradient as with batch"
        yield Finding(OURS, text, "decades", difference(band, norm, "batch"), "within", SAME_LEVEL)


def of_shift(results: Results, source: str = "fig 3", its_lrs: tuple[float, ...] = FIGURE_3_LRS) -> Iterator[Finding]:
    """Figure 3: internal covariate shift, by Definition 2.1, is similar or larger with batch normalization."""
    rows = results.ics[(results.ics["layer"] > 0) & (results.ics["ics_l2"] > 0)]
    keys = [rows["lr"], rows["norm"].astype(str), rows["seed"]]
    absolute = decades(rows["ics_l2"]).groupby(keys).median()
    relative = decades(rows["ics_l2"] / rows["grad_norm"]).groupby(keys).median()
    cosine = rows["ics_cos"].groupby(keys).mean()
    for lr in sorted(rows["lr"].unique()):
        at, source_here = f"lr {lr:g}: ", source if lr in its_lrs else OURS
        larger = difference(absolute[lr], "batch", "none")
        yield Finding(source_here, f"{at}ICS is similar or larger with batch", "decades", larger, "above", AS_LARGE)
        larger = difference(relative[lr], "batch", "none")
        yield Finding(source_here, f"{at}and so relative to the gradient", "decades", larger, "above", AS_LARGE)
        lower = difference(cosine[lr], "batch", "none")
        yield Finding(source_here, f"{at}and the cosine is similar or lower, to 0.1", "", lower, "below", NEAR)


def of_landscape(results: Results, lr: float = 0.1) -> Iterator[Finding]:
    """Figure 4: the loss and its gradient vary less along the gradient with batch normalization."""
    walked = measured_walks(results, lr)
    keys = ["norm", "seed"]
    for column, text in (
        ("loss_width", "the loss varies less along the gradient with batch"),
        ("diff_width", "the gradient difference varies less with batch"),
        ("diff_max", "the largest gradient difference is smaller with batch"),
    ):
        level = decades(walked.groupby(keys)[column].median())
        yield Finding("fig 4", f"lr {lr:g}: {text}", "decades", difference(level, "batch", "none"), "below")
    level, spread = (getattr(late(walked).groupby(keys)["beta"], what)() for what in ("median", "std"))
    same = difference(decades(level), "batch", "none")
    yield Finding("fig 4c", f"lr {lr:g}: beta's late level is the same", "decades", same, "within", SAME_LEVEL)
    less = difference(decades(spread), "batch", "none")
    yield Finding("fig 4c", f"lr {lr:g}: its spikes are smaller with batch", "decades", less, "below")
    for norm in ("none", "batch"):
        at_edge = decades(level.xs(norm) * lr / 2)
        yield Finding(OURS, f"lr {lr:g}: the level with {norm} is 2/lr", "decades", at_edge, "within", SAME_LEVEL)


def measured_walks(results: Results, lr: float, shortest: float = 0.0) -> pd.DataFrame:
    """Return per walk at this learning rate, over its multiples of lr from `shortest` on: norm, seed, step; loss_min,
    loss_max, loss_width, diff_min, diff_max, diff_width, beta (the largest)."""
    rows = walks(results.landscape, MULTIPLES)
    rows = rows[(rows["lr"] == lr) & (rows["lr_multiple"] >= shortest)].astype({"norm": str})
    found = rows.groupby(["norm", "seed", "step"]).agg(
        loss_min=("loss", "min"),
        loss_max=("loss", "max"),
        diff_min=("grad_diff_l2", "min"),
        diff_max=("grad_diff_l2", "max"),
        beta=("beta", "max"),
    )
    widths = {f"{name}_width": found[f"{name}_max"] - found[f"{name}_min"] for name in ("loss", "diff")}
    return found.assign(**widths).reset_index()


def late(walked: pd.DataFrame) -> pd.DataFrame:
    """Return the walks of the last two thirds of training."""
    found: pd.DataFrame = walked[walked["step"] >= LATE * walked["step"].max()]
    return found


def _scores(results: Results) -> tuple[dict[float, pd.Series[float]], dict[float, pd.Series[float]]]:
    """Return accuracy by learning rate, by (norm, seed): with statistics taken anew, and with running ones."""
    final = final_score(results.trials)
    return _by_lr(results, final), _by_lr(results, results.trials["test_acc_running"].fillna(final))


def _by_lr(results: Results, values: pd.Series[float]) -> dict[float, pd.Series[float]]:
    """Return by learning rate the values of trials, with the index (norm, seed)."""
    trials = results.trials
    keyed = values.groupby([trials["lr"], trials["norm"].astype(str), trials["seed"]]).first()
    keyed.index.names = ["lr", "norm", "seed"]
    return {float(lr): keyed.xs(lr) for lr in keyed.index.unique("lr")}
