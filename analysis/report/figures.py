"""The figures of a page, drawn into its directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.loading import Results
from analysis.measures.scores import in_scores, says_accuracy
from analysis.plots import FigureKind
from analysis.plots.computed import Computed
from analysis.plots.saving import save
from analysis.plots.style import style
from analysis.report.csv_table import write_csv
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class DrawnFigure:
    """A figure of the page: drawn, or in `missing` why it could not be."""

    name: str
    measures: str
    title: str = ""
    subtitle: str = ""
    image: str = ""
    tables: list[str] = field(default_factory=list)
    missing: str = ""


def draw_figure(
    name: str, kind: FigureKind, results: Results, computed: Computed | None, figures: Path, suffix: str
) -> DrawnFigure:
    """Write a figure and the tables behind it into the directory `figures`, their names ending in `suffix`.

    `computed` is what is known of the results already.
    """
    is_accuracy = says_accuracy(results.trials)
    told = partial(in_scores, is_accuracy=is_accuracy)
    try:
        data = kind.data(results, computed)
    except InputError as error:
        return DrawnFigure(name + suffix, told(kind.measures), missing=str(error))
    for key, frame in data.tables.items():
        write_csv(frame, figures / f"{key}{suffix}.csv")
    with style():
        figure = kind.draw(data)
        image = save(figure if is_accuracy else _reworded(figure, told), figures, name + suffix)
    files = [key + suffix for key in data.tables]
    return DrawnFigure(name + suffix, told(kind.measures), told(data.title), told(data.subtitle), image, files)


def _reworded(figure: Figure, told: Callable[[str], str]) -> Figure:
    """Have all labels of a figure say what they say by `told`."""
    from matplotlib.text import Text

    for label in figure.findobj(lambda artist: isinstance(artist, Text)):
        assert isinstance(label, Text)
        if told(label.get_text()) != label.get_text():
            label.set_text(told(label.get_text()))
    return figure
