"""What the probes say of each trial, as one number.

Medians over steps (and layers) with overflow counted as infinite, but for what is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.measures.walks import walks
from bnsweep.errors import InputError

SPIKE = 0.95
"""The quantile over steps that stands for the spikes: the largest would grow with the number of steps."""


@dataclass(frozen=True)
class Quantity:
    """A number per trial: `of` returns it by trial_key."""

    of: Callable[[Results], pd.Series[float]]
    meaning: str
    is_size: bool = True
    """Whether it is positive, so that modes compare by its logarithm."""


def _column(name: str) -> Callable[[Results], pd.Series[float]]:
    def of(results: Results) -> pd.Series[float]:
        values = results.trials.set_index("trial_key")[name].dropna()
        return _some(values, name)

    return of


def _some(values: pd.Series[float], name: str) -> pd.Series[float]:
    if values.empty:
        raise InputError(f"no trial has a measurement of {name}")
    return values


def _beta_spikes(results: Results) -> pd.Series[float]:
    """Return the 95 % quantile over steps of the largest beta at multiples of lr, over its median."""
    rows = walks(results.landscape)[["trial_key", "step", "beta", "grad_norm"]]
    rows = rows[rows["grad_norm"] != 0]
    beta = rows["beta"].where(np.isfinite(rows["beta"]), np.inf)
    by_step = beta.groupby([rows["trial_key"], rows["step"]]).max().groupby(level=0)
    # 'lower' interpolates nothing, so that one infinite step among many leaves the quantile finite.
    return _some(by_step.quantile(SPIKE, interpolation="lower") / by_step.median(), "landscape")


def _relative_ics(results: Results) -> pd.Series[float]:
    """Return the median over steps and layers but the first of ||G - G'|| / ||G||."""
    rows = results.ics[(results.ics["layer"] > 0) & (results.ics["grad_norm"] != 0)]
    size, gradient = (rows[name].where(np.isfinite(rows[name]), np.inf) for name in ("ics_l2", "grad_norm"))
    relative = (size / gradient).mask(np.isinf(size), np.inf)
    return _some(relative.groupby(rows["trial_key"]).median().dropna(), "ics")


def _ics_cosine(results: Results) -> pd.Series[float]:
    """Return the mean over steps and layers but the first: a median would hide one layer of few that turns round."""
    rows = results.ics[(results.ics["layer"] > 0) & np.isfinite(results.ics["ics_cos"])]
    return _some(rows["ics_cos"].groupby(rows["trial_key"]).mean().dropna(), "ics")


def _activation_shift(results: Results) -> pd.Series[float]:
    """Return the median over steps and layers of how far mean and std moved, in standard deviations."""
    rows = results.moments.dropna(subset=["mean_shift", "std_shift"])
    moved = np.hypot(rows["mean_shift"], rows["std_shift"]) / rows["std"].where(rows["std"] > 0)
    moved = moved.where(np.isfinite(moved) | moved.isna(), np.inf)
    return _some(moved.groupby(rows["trial_key"]).median().dropna(), "moments")


QUANTITIES: dict[str, Quantity] = {
    "loss_band": Quantity(_column("landscape_loss_range"), "width of the loss band along the gradient"),
    "gradient_difference": Quantity(_column("landscape_grad_diff"), "largest gradient difference along the gradient"),
    "beta_level": Quantity(_column("landscape_beta"), "median over steps of the effective beta"),
    "beta_spikes": Quantity(_beta_spikes, "95 % quantile over steps of the effective beta, over its median"),
    "ics": Quantity(_column("ics_l2"), "ICS of Definition 2.1, l2 norm"),
    "relative_ics": Quantity(_relative_ics, "ICS relative to the gradient"),
    "ics_cosine": Quantity(_ics_cosine, "cosine of ICS, mean over steps and layers but the first", is_size=False),
    "activation_shift": Quantity(
        _activation_shift,
        "how far mean and std of the activations move from one measurement to the next, in their std",
    ),
}
"""Every quantity of the probes by name."""
