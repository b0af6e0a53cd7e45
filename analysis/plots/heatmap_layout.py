"""How the panels of the heatmap are set out on a page, and what it has no room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.plots.canvas import MAX_HEIGHT_IN, WIDTH_IN
from analysis.plots.evenly_spaced import evenly_spaced

MAX_COLUMNS = 3
"""Of few modes, whose cells then have room for a number."""
MANY = 6
TITLE_IN = 1.25
ROW_IN = 0.45
"""Of a row of panels, what is no cell."""
SIDES_IN = 1.3
"""Of the width of the figure, what is no panel."""
PANEL_GAP_IN = 0.12
MAX_CELL_IN = 0.3
MIN_CELL_IN = 0.07
DENSE_IN = 0.02
"""Below, a cell is a few dots."""
NUMBER_IN = (0.31, 0.17)
"""Width and height of a cell that has room for a number."""


@dataclass(frozen=True)
class HeatmapLayout:
    """The inits drawn, each beginning a row of so many panels, and the size of a cell."""

    columns: int
    inits: list[str]
    panel_in: float
    """Width of a panel."""
    cell_in: tuple[float, float]
    """Width and height of a cell."""
    num_rows: int
    num_gains: int

    @property
    def has_numbers(self) -> bool:
        """Whether a cell has room for its accuracy, or how many seeds diverged."""
        return self.cell_in[0] >= NUMBER_IN[0] and self.cell_in[1] >= NUMBER_IN[1]

    @property
    def is_dense(self) -> bool:
        """Whether cells are so small that only regions of them are seen."""
        return min(self.cell_in) < DENSE_IN

    @property
    def height_in(self) -> float:
        """The height of the figure."""
        return TITLE_IN + self.num_rows * (ROW_IN + self.cell_in[1] * max(self.num_gains, 2))


def lay_out_panels(
    norms: Sequence[str], inits: Sequence[str], gains: Sequence[float], lrs: Sequence[float]
) -> HeatmapLayout:
    """Return the layout whose cells are largest; where these were too small on a page, with fewer inits."""
    fewest = min(len(norms), MAX_COLUMNS)
    most = fewest if len(norms) <= MANY else len(norms)
    for count in range(len(inits), 0, -1):
        drawn = evenly_spaced(inits, count)
        choices = [_layout(columns, norms, drawn, gains, lrs) for columns in range(most, fewest - 1, -1)]
        best = max(choices, key=lambda one: (min(one.cell_in), max(one.cell_in)))
        if best.cell_in[1] >= MIN_CELL_IN:
            return best
    return best


def _layout(
    columns: int, norms: Sequence[str], inits: list[str], gains: Sequence[float], lrs: Sequence[float]
) -> HeatmapLayout:
    rows = len(inits) * -(-len(norms) // columns)
    panel_in = (WIDTH_IN - SIDES_IN) / columns - PANEL_GAP_IN
    tall = ((MAX_HEIGHT_IN - TITLE_IN) / rows - ROW_IN) / max(len(gains), 2)
    return HeatmapLayout(columns, inits, panel_in, (panel_in / len(lrs), min(MAX_CELL_IN, tall)), rows, len(gains))
