"""Are the minima flatter, and do they generalize better? Adaptive sharpness beside the generalization gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.claims.evidence import gather_evidence
from analysis.claims.quantities import QUANTITIES
from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.plots.by_mode import draw_points
from analysis.plots.canvas import canvas, set_title
from analysis.plots.learned import has_learned
from analysis.plots.style import PALETTE, short_name, style
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
LOOK: dict[str, Any] = {"alpha": 0.6, "lw": 0}


@dataclass(frozen=True, repr=False)
class FlatnessData:
    """Flatness and generalization of every trial that learned, of one configuration."""

    title: str
    subtitle: str
    norms: list[str]
    points: pd.DataFrame
    """norm, init, init_gain, lr, seed, adaptive_sharpness (log10), generalization_gap: a row per trial."""
    medians: pd.DataFrame
    """norm; the median of each over the trials drawn; n_trials."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"flatness": self.points, "flatness-medians": self.medians}


def flatness_data(results: Results) -> FlatnessData:
    """Take both quantities of every trial that learned.

    Raises:
        InputError: one of them was not measured, or no trial that has both learned.
    """
    evidence = gather_evidence(results)
    trials, learned = evidence.results.trials, has_learned(evidence)
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


def draw_flatness(data: FlatnessData, ax: Axes | None = None) -> Figure:
    """Draw one against the other, and beside that each by mode."""
    with style():
        whole, fig = canvas(ax, max(3.3, 1.7 + 0.24 * len(data.norms)))
        set_title(fig, data.title, data.subtitle)
        both, *alone = fig.subplots(1, 3, width_ratios=[1.3, 1, 1])
        draw_points(both, data.points, "adaptive_sharpness", "generalization_gap", data.norms, **LOOK)
        both.set_xlabel(AXIS_LABELS["adaptive_sharpness"])
        both.set_ylabel(AXIS_LABELS["generalization_gap"])
        both.grid(visible=True)
        for panel, name in zip(alone, AXIS_LABELS, strict=True):
            _draw_by_mode(panel, data, name)
        alone[1].set_yticklabels([])
    return whole


def _draw_by_mode(ax: Axes, data: FlatnessData, name: str) -> None:
    places = data.points["norm"].map({norm: y for y, norm in enumerate(data.norms)}).astype(float)
    spread = 0.5 * ((data.points.groupby("norm").cumcount() * 0.618) % 1 - 0.5)  # beside each other, always the same
    draw_points(ax, data.points.assign(y=places + spread), name, "y", data.norms, **LOOK)
    for y, norm in enumerate(data.norms):
        middle = float(data.points.loc[data.points["norm"] == norm, name].median())
        ax.vlines(middle, y - 0.4, y + 0.4, color=PALETTE[norm], lw=2.2)
    ax.set_yticks(range(len(data.norms)), [short_name(norm) for norm in data.norms])
    ax.set_ylim(len(data.norms) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(AXIS_LABELS[name].replace(" at the end", "\nat the end"))
    ax.grid(visible=True, axis="x")
