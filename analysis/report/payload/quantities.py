"""What the page shows of the curves and probes: each quantity as one number per trial and step, or trial and layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.measures.walks import LENGTHS, MULTIPLES, walks

TRIAL, STEP, LAYER = "trial_key", "step", "layer"


@dataclass(frozen=True, repr=False)
class Quantity:
    """A quantity over steps, or by layer.

    Args:
        name: in the page's address, and of its array.
        title: as it is read.
        unit: '' where it has none.
        is_log: whether it is positive and shown on a logarithmic axis.
        values: returns trial_key, step or layer, and value, of all trials.
        section: the part of the page that shows it.
    """

    name: str
    title: str
    unit: str
    is_log: bool
    values: Callable[[Results], pd.DataFrame]
    section: str = ""

    __repr__ = one_line


def _column(results: Results, table: str, column: str) -> pd.DataFrame:
    """Return a column of a table that has a row per trial and step."""
    rows: pd.DataFrame = getattr(results, table)
    return rows[[TRIAL, STEP, column]].rename(columns={column: "value"}).dropna()


def _of_mini_batches(results: Results, column: str) -> pd.DataFrame:
    """Return a column of curves/ about mini-batches; nothing where it is of the first one alone."""
    rows = _column(results, "curves", column)
    return rows if (rows[STEP] > 0).any() else rows.iloc[:0]


def _extent(results: Results, kind: str, column: str) -> pd.DataFrame:
    """Return how wide the band of a walk is: its largest value less its least."""
    by_walk = walks(results.landscape, kind).groupby([TRIAL, STEP], observed=True)[column]
    return (by_walk.max() - by_walk.min()).rename("value").reset_index()


def _largest(results: Results, kind: str, column: str) -> pd.DataFrame:
    rows = walks(results.landscape, kind)
    return rows.groupby([TRIAL, STEP], observed=True)[column].max().rename("value").reset_index()


def _over_layers(results: Results, table: str, column: str, first: int = 0) -> pd.DataFrame:
    """Return the median over the layers from `first` on."""
    rows: pd.DataFrame = getattr(results, table)
    rows = rows[rows[LAYER] >= first]
    return rows.groupby([TRIAL, STEP], observed=True)[column].median().rename("value").reset_index()


def _relative_shift(results: Results, by: str) -> pd.DataFrame:
    """Return the shift over the gradient: medians over layers but the first, or over steps."""
    rows = results.ics[results.ics[LAYER] > 0]
    gradient = rows["grad_norm"].where(rows["grad_norm"] > 0)
    share = rows[[TRIAL, by]].assign(value=rows["ics_l2"] / gradient)
    return share.groupby([TRIAL, by], observed=True)["value"].median().reset_index()


def _by_layer(results: Results, table: str, column: str, first: int = 0) -> pd.DataFrame:
    """Return the median over steps, layer by layer from `first` on."""
    rows: pd.DataFrame = getattr(results, table)
    rows = rows[rows[LAYER] >= first]
    return rows.groupby([TRIAL, LAYER], observed=True)[column].median().rename("value").reset_index()


def _walked(kind: str, where: str) -> list[Quantity]:
    """Return the quantities of walks whose lengths were given in this way."""
    prefix = "" if kind == MULTIPLES else "alpha_"
    named = partial("{}{}, {}".format, "")
    return [
        Quantity(
            f"{prefix}loss_range",
            named("width of the loss band", where),
            "",
            True,
            partial(_extent, kind=kind, column="loss"),
            "landscape",
        ),
        Quantity(
            f"{prefix}grad_diff",
            named("largest gradient difference", where),
            "",
            True,
            partial(_largest, kind=kind, column="grad_diff_l2"),
            "landscape",
        ),
        Quantity(
            f"{prefix}beta",
            named("effective beta", where),
            "",
            True,
            partial(_largest, kind=kind, column="beta"),
            "landscape",
        ),
    ]


OVER_STEPS: tuple[Quantity, ...] = (
    Quantity("test_acc", "test accuracy", "", False, partial(_column, table="curves", column="test_acc"), "training"),
    Quantity("train_loss", "mini-batch loss", "", True, partial(_of_mini_batches, column="train_loss"), "training"),
    Quantity("train_acc", "mini-batch accuracy", "", False, partial(_of_mini_batches, column="train_acc"), "training"),
    Quantity("test_loss", "test loss", "", True, partial(_column, table="curves", column="test_loss"), "training"),
    Quantity("grad_norm", "gradient norm", "", True, partial(_of_mini_batches, column="grad_norm"), "training"),
    *_walked(MULTIPLES, "lengths in lr"),
    *_walked(LENGTHS, "absolute lengths"),
    Quantity("sharpness", "sharpness", "", True, partial(_column, table="curvature", column="sharpness"), "landscape"),
    Quantity("ics_relative", "ICS relative to the gradient", "", True, partial(_relative_shift, by=STEP), "shift"),
    Quantity("ics_l2", "ICS", "", True, partial(_over_layers, table="ics", column="ics_l2", first=1), "shift"),
    Quantity(
        "ics_cos", "ICS cosine", "", False, partial(_over_layers, table="ics", column="ics_cos", first=1), "shift"
    ),
    Quantity(
        "mean_shift",
        "shift of the mean of activations",
        "",
        True,
        partial(_over_layers, table="moments", column="mean_shift"),
        "shift",
    ),
    Quantity(
        "std_shift",
        "shift of the std of activations",
        "",
        True,
        partial(_over_layers, table="moments", column="std_shift"),
        "shift",
    ),
)
"""Every quantity over the steps of training, in the order of its section."""

BY_LAYER: tuple[Quantity, ...] = (
    Quantity(
        "effective_lr", "effective learning rate", "", True, partial(_by_layer, table="layers", column="effective_lr")
    ),
    Quantity(
        "relative_update", "update over weight", "", True, partial(_by_layer, table="layers", column="relative_update")
    ),
    Quantity("weight_norm", "length of the weight", "", True, partial(_by_layer, table="layers", column="weight_norm")),
    Quantity("layer_ics_relative", "ICS relative to the gradient", "", True, partial(_relative_shift, by=LAYER)),
    Quantity("layer_ics_cos", "ICS cosine", "", False, partial(_by_layer, table="ics", column="ics_cos", first=1)),
    Quantity("layer_std", "std after the normalization", "", True, partial(_by_layer, table="moments", column="std")),
)
"""Every quantity by layer."""

SCALARS: dict[str, tuple[str, bool]] = {
    "landscape_loss_range": ("width of the loss band, lengths in lr", True),
    "landscape_grad_diff": ("largest gradient difference, lengths in lr", True),
    "landscape_beta": ("effective beta, lengths in lr", True),
    "landscape_alpha_loss_range": ("width of the loss band, absolute lengths", True),
    "landscape_alpha_grad_diff": ("largest gradient difference, absolute lengths", True),
    "landscape_alpha_beta": ("effective beta, absolute lengths", True),
    "ics_l2": ("ICS", True),
    "ics_cos": ("ICS cosine", False),
    "sharpness": ("sharpness", True),
    "adaptive_sharpness": ("adaptive sharpness of the trained model", True),
    "moments_mean_shift": ("shift of the mean of activations", True),
    "moments_std_shift": ("shift of the std of activations", True),
    "effective_lr": ("effective learning rate", True),
    "relative_update": ("update over weight", True),
    "train_loss": ("training loss of the last epoch", True),
}
"""Columns of trials that hold one number for the whole of training: title, and whether its axis is logarithmic."""


def finite(values: pd.Series[float]) -> pd.Series[float]:
    """Return values, NaN for what overflowed."""
    return values.where(np.isfinite(values.astype(float)))
