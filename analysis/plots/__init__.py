"""The figures: each a `*_data(results)` that computes and a `draw_*(data)` that draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from analysis.load import Results
from analysis.plots.accuracy import accuracy_data, draw_accuracy
from analysis.plots.explains import draw_explains, explains_data
from analysis.plots.heatmap import draw_heatmap, heatmap_data
from analysis.plots.ics import draw_ics, ics_data
from analysis.plots.landscape import draw_landscape, landscape_data

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class FigureData(Protocol):
    """What a figure shows: a title that states the finding, a line on how to read it, and the tables behind it."""

    @property
    def title(self) -> str:
        """The finding, computed from the data."""

    @property
    def subtitle(self) -> str:
        """What is drawn, and from which trials."""

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""


@dataclass(frozen=True)
class FigureKind:
    """How to compute (of results and, if known, their `Tables`) and draw a figure, and what it measures."""

    data: Callable[..., FigureData]
    draw: Callable[[Any], Figure]
    measures: str


def _without_tables(data: Callable[[Results], FigureData]) -> Callable[..., FigureData]:
    return lambda results, *_: data(results)


FIGURES: dict[str, FigureKind] = {
    "accuracy": FigureKind(
        accuracy_data,
        draw_accuracy,
        "Final test accuracy over the learning rate, a panel for each initialization gain: points are trials, lines "
        "their mean over seeds, bands their range. The bars add up where a mode trains.",
    ),
    "heatmap": FigureKind(
        _without_tables(heatmap_data),
        draw_heatmap,
        "Mean final test accuracy at every learning rate and initialization gain, all modes on one colour scale.",
    ),
    "landscape": FigureKind(
        _without_tables(landscape_data),
        draw_landscape,
        "From the weights of a training step, walk along the gradient: the range of the loss on the way, and of the "
        "distance between the gradient there and at the start. Narrow and low bands mean a smooth landscape.",
    ),
    "ics": FigureKind(
        _without_tables(ics_data),
        draw_ics,
        "Internal covariate shift: how much the gradient of a layer changes when all layers before it take their "
        "step (Santurkar et al. 2018, Definition 2.1); its norm, its norm relative to the gradient, and the cosine "
        "between the gradients. No shift is 0, 0 and 1.",
    ),
    "explains": FigureKind(
        _without_tables(explains_data),
        draw_explains,
        "Smoothness and internal covariate shift of each trial against the accuracy that it reaches. What overflowed "
        "ranks as the largest.",
    ),
}
"""Every figure of the report by name, the lead figure first."""
