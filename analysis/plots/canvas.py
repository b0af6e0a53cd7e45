"""What a figure is drawn into, a page of its own or the place of an axes of the caller's, and its headline."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

WIDTH_IN = 7.0
MAX_HEIGHT_IN = 10.0
"""What fits on a page of a paper, and on a screen."""
TITLE_LETTERS, SUBTITLE_LETTERS = 84, 112
"""A line of each, in a figure of `WIDTH_IN`."""


def new_figure(height_in: float) -> Figure:
    """Return an empty figure of column width, at most `MAX_HEIGHT_IN` high: what would need more is drawn closer."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, min(height_in, MAX_HEIGHT_IN)), layout="constrained", dpi=200)


def canvas(ax: Axes | None, height_in: float) -> tuple[Figure, Figure | SubFigure]:
    """Return a figure and what of it to draw into: all of a new one of that height, or the place of an axes.

    There it is a subfigure, since most of our figures have panels and legends.

    The axes stays, without its frame. A figure without a layout engine gets the constrained one, which keeps labels
    and legends within their subfigure.

    Raises:
        InputError: the axes is in no grid, so that there is no telling where its place begins.
    """
    if ax is None:
        figure = new_figure(height_in)
        return figure, figure
    place, root = ax.get_subplotspec(), ax.get_figure(root=True)
    if place is None or root is None:
        raise InputError("ax: has no place in a grid of axes; take one that plt.subplots or Figure.subplots makes")
    if root.get_layout_engine() is None:
        root.set_layout_engine("constrained")
    ax.set_axis_off()
    return root, ax.figure.add_subfigure(place)


def columns_in(fig: Figure | SubFigure, full: int) -> int:
    """Return into how many columns a legend goes here that has `full` in a figure of `WIDTH_IN`."""
    return max(1, min(full, int(full * fig.bbox.width / fig.dpi / WIDTH_IN + 0.01)))


def set_title(fig: Figure | SubFigure, title: str, subtitle: str = "") -> None:
    """Write the headline, bold and at the left, and below it in grey how to read the figure.

    In the place of an axes the headline alone, as wide as that: the rest is in the `subtitle` of the data.
    """
    from matplotlib.figure import Figure

    if not isinstance(fig, Figure):
        letters = max(10, int(0.9 * TITLE_LETTERS * fig.bbox.width / fig.dpi / WIDTH_IN))
        fig.suptitle(
            "\n".join(textwrap.wrap(title, letters)),
            x=0.01,
            ha="left",
            fontsize=10,
            fontweight="bold",
            parse_math=False,
        )
        return
    bold = textwrap.wrap(title, TITLE_LETTERS)
    plain = [part for line in subtitle.splitlines() for part in textwrap.wrap(line, SUBTITLE_LETTERS)]
    height = fig.get_size_inches()[1]
    line, top = 0.19 / height, 0.05 / height
    for k, text in enumerate(bold):
        fig.text(0.008, 1 - top - k * line, text, fontsize=10, fontweight="bold", va="top", parse_math=False)
    for k, text in enumerate(plain):
        y = 1 - top - len(bold) * line - k * line * 0.85
        fig.text(0.008, y, text, fontsize=8, color="#555555", va="top", parse_math=False)
    used = top + line * (len(bold) + 0.85 * len(plain)) + 0.06 / height
    engine = fig.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, 0, 1, 1 - used))  # type: ignore[call-arg]  # `new_figure` took the constrained one
