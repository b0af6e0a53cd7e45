"""The page on a comparison: self-contained HTML, with its figure and tables beside it."""

from __future__ import annotations

import os
from pathlib import Path

from analysis.comparison.data import Comparison
from analysis.comparison.figure import comparison_data, draw_comparison
from analysis.comparison.text import side_by_side
from analysis.plots.saving import save
from analysis.plots.style import style
from analysis.report.html import render
from analysis.report.output_directory import output_directory, replaced_whole
from analysis.statistics.intervals import CONFIDENCE


def write_comparison(comparison: Comparison, out: str | os.PathLike[str]) -> Path:
    """Write the page on a comparison into the directory `out`; return the path of its index.html.

    What the directory held of an older comparison is replaced, at once.

    Raises:
        InputError: `out` holds other things. StoreError: it cannot be written.
    """
    target = output_directory(out)
    with replaced_whole(target) as directory:
        figures = directory / "figures"
        figures.mkdir()
        comparison.table.to_csv(figures / "compare.csv", index=False)
        comparison.differing.to_csv(figures / "differing.csv", index=False)
        (directory / "index.html").write_text(_page(comparison, figures), encoding="utf-8")
    return target / "index.html"


def _page(comparison: Comparison, figures: Path) -> str:
    data = comparison_data(comparison)
    with style():
        image = save(draw_comparison(data), figures, "compare")
    return render(
        "comparison.html.j2",
        title=data.title,
        subtitle=data.subtitle,
        names=comparison.names,
        image=image,
        measures=side_by_side(comparison),
        differing=comparison.differing.to_dict("records"),
        notes=comparison.notes,
        level=f"{100 * CONFIDENCE:.1f}",
    )
