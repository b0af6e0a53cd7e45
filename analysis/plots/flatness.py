"""Are the minima flatter, and do they generalize better? Adaptive sharpness beside the generalization gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.claims.evidence import gather_evidence
from analysis.claims.quantities import QUANTITIES
from analysis.loading import Results
from analysis.loading.order import in_order
from analysis.plots.learned import has_learned
from analysis.plots.style import new_figure, norm_style, set_title, short_name, style
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXIS_LABELS = {
    "adaptive_sharpness": "adaptive sharpness at the end (log10)",
    "generalization_gap": "test loss - training loss",
}
SHORT = {"adaptive_sharpness": "adaptive sharpness", "generalization_gap": "gap between test and training loss"}
MAX_NAMED = 4


@dataclass(frozen=True)
class FlatnessData:
    """Flatness and generalization of every trial that learned, of one configuration."""

    title: str
    subtitle: str
    norms: list[str]
    points: pd.DataFrame
    """norm, init, init_gain, lr, seed, adaptive_sharpness (log10), generalization_gap: a row per trial."""
    medians: pd.DataFrame
    """norm; the median of each over the trials drawn; n_trials."""

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"flatness": self.points, "flatness-medians": self.medians}


def flatness_data(results: Results) -> FlatnessData:
    """Take both quantities of every trial that learned.

    Raises:
        InputError: one of them was not measured, or no trial that has both learned.
    """
    trials = results.trials
    learned = has_learned(gather_evidence(results))
    measured = {name: QUANTITIES[name].of(results).reindex(trials["trial_key"]).to_numpy() for name in AXIS_LABELS}
    points = trials[["norm", "init", "init_gain", "lr", "seed"]].assign(**measured)[learned]
    known = points.dropna(subset=list(AXIS_LABELS)).reset_index(drop=True)
    if known.empty:
        raise InputError("no trial that learned has an adaptive sharpness and a training loss in eval mode")
    groups = known.groupby("norm", observed=True)
    medians = groups[list(AXIS_LABELS)].median().assign(n_trials=groups.size()).reset_index()
    return FlatnessData(
        title=_title(medians),
        subtitle=f"A point for each of the {len(known)} trials that learned, both in eval mode; right: by mode, line: "
        "median. Adaptive sharpness is the largest eigenvalue of |w| H |w|, which rescaling the weights leaves alone. "
        "Modes learn at different rates and inits: the claims compare them only where both learn.",
        norms=in_order(known["norm"]),
        points=known,
        medians=medians,
    )


def _title(medians: pd.DataFrame) -> str:
    """Return the median of each by mode, the smallest first; of more than four modes the ends alone."""
    parts = []
    for name, words in SHORT.items():
        ranked = medians.sort_values(name, kind="stable")
        named = ranked if len(ranked) <= MAX_NAMED else ranked.iloc[[0, -1]]
        sizes = 10.0 ** named[name] if name == "adaptive_sharpness" else named[name]
        values = [f"{norm} {size:.2g}" for norm, size in zip(named["norm"], sizes, strict=True)]
        parts.append(f"{words} {', '.join(values)}")
    return f"Median {'; '.join(parts)}"


def draw_flatness(data: FlatnessData, fig: Figure | None = None) -> Figure:
    """Draw one against the other, and beside that each by mode."""
    with style():
        fig = fig or new_figure(max(3.3, 1.7 + 0.24 * len(data.norms)))
        set_title(fig, data.title, data.subtitle)
        both, *alone = fig.subplots(1, 3, width_ratios=[1.3, 1, 1])
        for norm in data.norms:
            part = data.points[data.points["norm"] == norm]
            both.scatter(part["adaptive_sharpness"], part["generalization_gap"], **_look(norm))
        both.set_xlabel(AXIS_LABELS["adaptive_sharpness"])
        both.set_ylabel(AXIS_LABELS["generalization_gap"])
        both.grid(visible=True)
        for ax, name in zip(alone, AXIS_LABELS, strict=True):
            _draw_by_mode(ax, data, name)
        alone[1].set_yticklabels([])
    return fig


def _look(norm: str) -> dict[str, Any]:
    look = norm_style(norm)
    return {"s": 15, "marker": look.marker, "c": look.color, "alpha": 0.6, "lw": 0}


def _draw_by_mode(ax: Axes, data: FlatnessData, name: str) -> None:
    for y, norm in enumerate(data.norms):
        values = data.points.loc[data.points["norm"] == norm, name].to_numpy(dtype=float)
        spread = 0.5 * ((np.arange(len(values)) * 0.618) % 1 - 0.5)  # beside each other, the same every time
        ax.scatter(values, y + spread, **_look(norm))
        ax.vlines(float(np.median(values)), y - 0.4, y + 0.4, color=norm_style(norm).color, lw=2.2)
    ax.set_yticks(range(len(data.norms)), [short_name(norm) for norm in data.norms])
    ax.set_ylim(len(data.norms) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(AXIS_LABELS[name].replace(" at the end", "\nat the end"))
    ax.grid(visible=True, axis="x")
