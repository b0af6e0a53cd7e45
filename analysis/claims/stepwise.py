"""What the probes say at each step of a trial, scale-free, beside the training loss there; and compared at equal loss.

Two modes that are compared at the same step are compared at unequal loss: much of what seems a smoother landscape is a
loss that is lower. So a contrast of two trials is taken where their training losses overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.claims.losses import Curve, Losses, losses_of
from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.measures.walks import walks
from bnsweep.errors import InputError

MAX_DECADES = 10.0
"""What has overflowed counts as so many decades more."""


@dataclass(frozen=True, eq=False)
class Stepwise:
    """The measurements of every trial by step, from `measured_steps`: each computed once, whoever asks."""

    results: Results
    _curves: dict[str, dict[str, Curve]] = field(default_factory=dict)
    _differences: dict[tuple[str, str, str], float] = field(default_factory=dict)

    @cached_property
    def losses(self) -> Losses:
        """The mini-batch losses that are known."""
        return losses_of(self.results.curves)

    def curves_of(self, name: str) -> dict[str, Curve]:
        """Return by trial the value of `STEPWISE[name]` over log10 of the loss.

        Raises:
            InputError: no trial has a measurement of it.
        """
        if name not in self._curves:
            rows = STEPWISE[name].of(self.results)
            if rows.empty:
                raise InputError(f"no trial has a measurement in {STEPWISE[name].table}/")
            self._curves[name] = self.losses.curves(rows)
        return self._curves[name]

    def difference(self, name: str, key: str, other_key: str) -> float:
        """Return the `matched_difference` of two trials, the first minus the other; NaN where one was not measured."""
        pair = name, key, other_key
        if pair not in self._differences:
            one, other = (self.curves_of(name).get(trial) for trial in (key, other_key))
            self._differences[pair] = float("nan") if one is None or other is None else matched_difference(one, other)
        return self._differences[pair]


def measured_steps(results: Results) -> Stepwise:
    """Return the measurements of these results by step."""
    return Stepwise(results)


def matched_difference(one: Curve, other: Curve) -> float:
    """Return the mean difference of two curves over the losses that both have; NaN where they share none.

    Each is taken as linear between its measurements; the mean is over the measurements of both in the shared range.
    """
    low, high = max(one[0][0], other[0][0]), min(one[0][-1], other[0][-1])
    places = np.concatenate([one[0], other[0]])
    places = places[(places >= low) & (places <= high)]
    if not len(places):
        return float("nan")
    return float(np.mean(np.interp(places, *one) - np.interp(places, *other)))


@dataclass(frozen=True, repr=False)
class StepQuantity:
    """A value per trial and step: `of` returns trial_key, step and value; sizes as log10."""

    table: str
    of: Callable[[Results], pd.DataFrame]
    meaning: str
    unit: str = "log10 ratio"

    __repr__ = one_line


def log10_size(values: pd.Series[float]) -> pd.Series[float]:
    """Return log10, in which what overflowed counts as `MAX_DECADES` and what vanished or is below 0 as minus that."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(np.maximum(values.to_numpy(dtype=float), 0.0))
    logs = np.nan_to_num(logs, nan=MAX_DECADES, posinf=MAX_DECADES, neginf=-MAX_DECADES)
    return pd.Series(np.clip(logs, -MAX_DECADES, MAX_DECADES), values.index)


def along_gradient(results: Results) -> pd.DataFrame:
    """Return the rows of landscape/ at multiples of the learning rate, where the gradient is not zero."""
    rows = walks(results.landscape)
    return rows[rows["grad_norm"] != 0]


def _gradient_change(results: Results) -> pd.DataFrame:
    rows = along_gradient(results)
    change = (rows["grad_diff_l2"] / rows["grad_norm"]).where(np.isfinite(rows["grad_diff_l2"]), np.inf)
    return _by_step(change.groupby([rows["trial_key"], rows["step"]]).max())


def _loss_band(results: Results) -> pd.DataFrame:
    rows = along_gradient(results)
    losses = rows["loss"].where(np.isfinite(rows["loss"]), np.inf).groupby([rows["trial_key"], rows["step"]])
    return _by_step(losses.max() - losses.min())


def _relative_ics(results: Results) -> pd.DataFrame:
    rows = results.ics[["trial_key", "step", "layer", "ics_l2", "grad_norm"]]
    rows = rows[(rows["layer"] > 0) & (rows["grad_norm"] != 0)]
    relative = (rows["ics_l2"] / rows["grad_norm"]).where(np.isfinite(rows["ics_l2"]), np.inf)
    return _by_step(relative.groupby([rows["trial_key"], rows["step"]]).median())


def _ics_cosine(results: Results) -> pd.DataFrame:
    rows = results.ics[["trial_key", "step", "layer", "ics_cos"]]
    rows = rows[(rows["layer"] > 0) & np.isfinite(rows["ics_cos"])]
    mean = rows["ics_cos"].groupby([rows["trial_key"], rows["step"]]).mean()
    return pd.DataFrame(mean.rename("value").reset_index())


def _by_step(sizes: pd.Series[float]) -> pd.DataFrame:
    return log10_size(sizes).rename("value").reset_index()


STEPWISE: dict[str, StepQuantity] = {
    "gradient_change": StepQuantity(
        "landscape",
        _gradient_change,
        "largest change of the gradient at the multiples of the learning rate along it, relative to the gradient",
    ),
    "loss_band": StepQuantity("landscape", _loss_band, "width of the loss band along the gradient"),
    "relative_ics": StepQuantity("ics", _relative_ics, "ICS over the gradient, median over layers but the first"),
    "ics_cosine": StepQuantity("ics", _ics_cosine, "cosine of ICS, mean over layers but the first", "cosine"),
}
"""Every stepwise quantity by name; at equal loss."""
