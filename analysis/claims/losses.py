"""The training loss of every trial over its steps, and what probes measured as a curve over that loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.loading.one_line import one_line
from analysis.statistics.nan_aware import Floats

Curve = tuple[Floats, Floats]
"""log10 of the training loss, ascending, and a value at each."""


@dataclass(frozen=True, eq=False, repr=False)
class Losses:
    """log10 of the mini-batch loss of all trials, one trial after the other, each at its steps ascending.

    Args:
        keys: of the trials that have any.
        starts: where each begins; one more, where the last ends.
        steps: shape R.
        log_losses: shape R.
    """

    keys: pd.Index
    starts: NDArray[np.intp]
    steps: Floats
    log_losses: Floats

    __repr__ = one_line

    def at(self, trials: NDArray[np.intp], steps: Floats) -> Floats:
        """Return the losses of trials, by position in `keys`, at steps: linear between known ones, level beyond."""
        first, last = self.starts[trials], self.starts[trials + 1] - 1
        within = np.clip(steps, self.steps[first], self.steps[last])
        stride = self.steps.max(initial=0.0) - self.steps.min(initial=0.0) + 1.0
        of_row = np.repeat(np.arange(len(self.keys)), np.diff(self.starts))
        return np.asarray(np.interp(trials * stride + within, of_row * stride + self.steps, self.log_losses))

    def curves(self, rows: pd.DataFrame) -> dict[str, Curve]:
        """Return by trial a value over the loss; `rows` has trial_key, step and value. None of a trial without loss."""
        trials = self.keys.get_indexer(pd.Index(rows["trial_key"]))
        is_known = trials >= 0
        trials, values = trials[is_known], rows["value"].to_numpy(dtype=float)[is_known]
        losses = self.at(trials, rows["step"].to_numpy(dtype=float)[is_known])
        order = np.lexsort((losses, trials))
        trials, losses, values = trials[order], losses[order], values[order]
        present, starts = np.unique(trials, return_index=True)
        names, ends = self.keys[present].astype(str), np.append(starts, len(trials))[1:]
        return {
            str(key): (losses[start:end], values[start:end])
            for key, start, end in zip(names, starts, ends, strict=True)
        }


def losses_of(curves: pd.DataFrame) -> Losses:
    """Return the losses in the table `curves`; those that are missing are left out, and those at 0 are the least."""
    rows = curves[["trial_key", "step", "train_loss"]].dropna()
    codes, keys = pd.factorize(rows["trial_key"])
    loss = rows["train_loss"].astype(float).clip(lower=np.finfo(float).tiny).to_numpy()
    steps = rows["step"].to_numpy(dtype=float)
    order = np.lexsort((steps, codes))
    starts = np.searchsorted(codes[order], np.arange(len(keys) + 1))
    return Losses(pd.Index(keys), starts, steps[order], np.log10(loss[order]))
