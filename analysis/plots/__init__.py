"""The figures: each a `*_data(results)` that computes and a `draw_*(data)` that draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from analysis.loading import Results
from analysis.plots.accuracy import accuracy_data, draw_accuracy
from analysis.plots.claims import claims_data, draw_claims
from analysis.plots.computed import Computed
from analysis.plots.curvature import curvature_data, draw_curvature
from analysis.plots.explains import draw_explains, explains_data
from analysis.plots.factors import draw_factors, factors_data
from analysis.plots.flatness import draw_flatness, flatness_data
from analysis.plots.heatmap import draw_heatmap, heatmap_data
from analysis.plots.ics import draw_ics, ics_data
from analysis.plots.landscape import draw_landscape, landscape_data
from analysis.plots.layers import draw_layers, layers_data
from analysis.plots.metric import draw_metric, metric_data
from analysis.plots.moments import draw_moments, moments_data
from analysis.plots.pruning import draw_pruning, pruning_data
from analysis.plots.robustness import draw_robustness, robustness_data
from analysis.plots.shares import draw_shares, shares_data
from analysis.plots.summary import draw_summary, summary_data
from analysis.plots.thresholds import draw_thresholds, thresholds_data
from analysis.plots.training import draw_training, training_data
from analysis.plots.tuning import draw_tuning, tuning_data

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class FigureData(Protocol):
    """What a figure shows: a title that is its headline, a line on how to read it, and the tables behind it."""

    @property
    def title(self) -> str:
        """The headline, computed from the data."""

    @property
    def subtitle(self) -> str:
        """What is drawn, and from which trials."""

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""


@dataclass(frozen=True)
class FigureKind:
    """How to compute (of results and, if known, their `Computed`) and draw a figure, and what it measures."""

    data: Callable[..., FigureData]
    draw: Callable[[Any], Figure]
    measures: str


def _of_results(data: Callable[[Results], FigureData]) -> Callable[..., FigureData]:
    return lambda results, *_: data(results)


def _accuracy(results: Results, computed: Computed | None = None) -> FigureData:
    return accuracy_data(results, computed.tables if computed else None)


def _robustness(results: Results, computed: Computed | None = None) -> FigureData:
    return robustness_data(results, computed.tables if computed else None)


def _factors(results: Results, computed: Computed | None = None) -> FigureData:
    return factors_data(results, computed.factors if computed else None)


def _claims(results: Results, computed: Computed | None = None) -> FigureData:
    return claims_data(results, computed.verdicts if computed else None)


FIGURES: dict[str, FigureKind] = {
    "robustness": FigureKind(
        _robustness,
        draw_robustness,
        "Where each mode trains, and how much accuracy is left on average over learning rates and initializations: the "
        "most robust mode above.",
    ),
    "accuracy": FigureKind(
        _accuracy,
        draw_accuracy,
        "Final test accuracy over the learning rate, a panel for each initialization gain: points are trials, lines "
        "their mean over seeds, bands their range. The bars add up where a mode trains.",
    ),
    "thresholds": FigureKind(
        _of_results(thresholds_data),
        draw_thresholds,
        "Decades of learning rate that train, over the accuracy from which on a run counts as trained: as a share of "
        "the best that any mode reaches with the same seed, and of the best that the mode itself reaches.",
    ),
    "claims": FigureKind(
        _claims,
        draw_claims,
        "Every statement of every claim, with its effect and verdict. Without a bar there are too few "
        "seeds for an interval, or the sweep lacks what it takes.",
    ),
    "heatmap": FigureKind(
        _of_results(heatmap_data),
        draw_heatmap,
        "Mean final test accuracy at every learning rate and initialization gain, all modes on one colour scale.",
    ),
    "training": FigureKind(
        _of_results(training_data),
        draw_training,
        "Accuracy over the steps of training, on mini-batches and on the test set, at up to four learning rates.",
    ),
    "landscape": FigureKind(
        _of_results(landscape_data),
        draw_landscape,
        "From the weights of a training step, walk along the gradient: the range of the loss on the way, and of the "
        "distance between the gradient there and at the start. Narrow and low bands mean a smooth landscape. Step "
        "lengths given as multiples of lr and absolute ones are two quantities.",
    ),
    "ics": FigureKind(
        _of_results(ics_data),
        draw_ics,
        "Internal covariate shift: how much the gradient of a layer changes when all layers before it take their "
        "step (Santurkar et al. 2018, Definition 2.1); its norm, its norm relative to the gradient, and the cosine "
        "between the gradients. No shift is 0, 0 and 1.",
    ),
    "curvature": FigureKind(
        _of_results(curvature_data),
        draw_curvature,
        "Sharpness, the largest eigenvalue of the Hessian of the mini-batch loss, and the effective beta, the largest "
        "change of the gradient per distance walked along it, against the optimizer's edge of stability (Cohen et al. "
        "2021, 2022), which holds for full batches.",
    ),
    "moments": FigureKind(
        _of_results(moments_data),
        draw_moments,
        "Mean and standard deviation over the mini-batch of what enters and leaves each normalization, averaged over "
        "units, at all steps measured; a wide ridge is a moment that drifts (Santurkar et al. 2018, figures 2 and 8).",
    ),
    "layers": FigureKind(
        _of_results(layers_data),
        draw_layers,
        "How fast the weight of each layer turns: its effective learning rate, the length of its update relative to "
        "its own, and its length. Before a normalization its length changes nothing but the effective learning rate, "
        "so that there the gain of the initial weights is a second learning rate.",
    ),
    "explains": FigureKind(
        _of_results(explains_data),
        draw_explains,
        "Smoothness and internal covariate shift of each trial, relative to its gradient, against the accuracy that it "
        "reaches.",
    ),
    "flatness": FigureKind(
        _of_results(flatness_data),
        draw_flatness,
        "How flat the minimum is that a trial ends in, by a sharpness that rescaling the weights leaves alone, beside "
        "how much larger its test loss is than its training loss, both in eval mode.",
    ),
    "summary": FigureKind(
        summary_data,
        draw_summary,
        "The sweep in six panels, fit for a paper: accuracy and the range that trains, the loss and its gradient along "
        "the gradient, internal covariate shift, and what becomes of each statement of the claims.",
    ),
}
"""Every figure of the report by name, the lead figure first."""

FACTORS = FigureKind(
    _factors,
    draw_factors,
    "Each factor, a field of the sweep file that varies beside norm, init, gain, learning rate and seed: a panel per "
    "factor and measure, its levels from left to right, a line per mode. Compared are settings that differ in the "
    "factor alone; decades are measured against the best accuracy within each setting.",
)
"""The figure of all settings together, of a sweep that has several."""

METRIC = FigureKind(
    _of_results(metric_data),
    draw_metric,
    "What the trials report, over the learning rate: the metric that the sweep file names, as the user's own loop "
    "returns it.",
)
"""The figure of trials by a loop of the user's own."""

SHARES = FigureKind(
    _of_results(shares_data),
    draw_shares,
    "Which share of the ranges of hyperparameters trains, of trials that `search: qmc` or `random` drew.",
)
"""The figure of what a mode forgives, of drawn trials."""

TUNING = FigureKind(
    _of_results(tuning_data),
    draw_tuning,
    "How good the best configuration is that a search has found after so many trials, of trials that a search drew.",
)
"""The figure of what tuning a mode costs, of drawn trials."""

PRUNING = FigureKind(
    _of_results(pruning_data),
    draw_pruning,
    "Where each trial ended, over the learning rate: to the end, stopped by the pruner at what it had come to by then, "
    "or diverged.",
)
"""The figure of trials of which a pruner stopped some."""
