"""The figures of a page, drawn into its directory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis.loading import Results
from analysis.plots import FigureKind
from analysis.plots.computed import Computed
from analysis.plots.saving import save
from analysis.plots.style import style
from bnsweep.errors import InputError


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
    name: str, kind: FigureKind, results: Results, computed: Computed, figures: Path, suffix: str
) -> DrawnFigure:
    """Write a figure and the tables behind it into the directory `figures`, their names ending in `suffix`."""
    try:
        data = kind.data(results, computed)
    except InputError as error:
        return DrawnFigure(name + suffix, kind.measures, missing=str(error))
    for key, frame in data.tables.items():
        write_csv(frame, figures / f"{key}{suffix}.csv")
    with style():
        image = save(kind.draw(data), figures, name + suffix)
    files = [key + suffix for key in data.tables]
    return DrawnFigure(name + suffix, kind.measures, data.title, data.subtitle, image, files)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table without its index."""
    frame.to_csv(path, index=False)
