"""Which facets the lead figure has room for, and what it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.plots.canvas import MAX_HEIGHT_IN
from analysis.plots.evenly_spaced import evenly_spaced

MAX_COLUMNS = 5
LEGEND_COLUMNS = 6
FACET_IN = 1.7
SMALL_FACET_IN = 1.25
GAP_IN = 0.25

Facets = list[list[tuple[str, float]]]


@dataclass(frozen=True)
class Layout:
    """The facets, the heights of the parts, and in words what is not drawn."""

    rows: Facets
    """Init and gain of each facet, by row; each init begins a row, and the first row is the longest."""
    has_strips: bool
    """Whether there is room below each facet for where each seed trains and how many diverged."""
    bars_in: float
    facet_in: float
    strip_in: float
    left_out: str
    """A sentence; '' where all is drawn."""

    @property
    def facets_in(self) -> float:
        """The height of all facets, with their legends."""
        legends = 0.35 + 0.2 * (self.bars_in > 0.55 + 0.2 * LEGEND_COLUMNS)
        return legends + len(self.rows) * (self.facet_in + self.strip_in)

    @property
    def height_in(self) -> float:
        """The height of the figure."""
        return 1.2 + self.bars_in + self.facets_in + GAP_IN * len(self.rows)


def lay_out(norms: Sequence[str], inits: Sequence[str], gains: Sequence[float]) -> Layout:
    """Return the layout with most in it that is no higher than a page.

    First the strips go, then gains beyond one row per init, then inits, both evenly spaced.
    """
    bars_in, strip_in = 0.55 + 0.2 * len(norms), 0.45 + 0.17 * len(norms)
    everything = _rows(inits, gains)
    some_gains = evenly_spaced(gains, MAX_COLUMNS)
    fewer = [_rows(evenly_spaced(inits, count), some_gains) for count in range(len(inits), 0, -1)]
    choices = [
        Layout(rows, has_strips, bars_in, *((FACET_IN, strip_in) if has_strips else (SMALL_FACET_IN, 0.0)), "")
        for rows in (everything, *fewer)
        for has_strips in (True, False)
    ]
    chosen = next((one for one in choices if one.height_in <= MAX_HEIGHT_IN), choices[-1])
    return Layout(
        chosen.rows, chosen.has_strips, bars_in, chosen.facet_in, chosen.strip_in, _left_out(chosen, inits, gains)
    )


def _rows(inits: Sequence[str], gains: Sequence[float]) -> Facets:
    columns = len(gains) if len(gains) <= MAX_COLUMNS else MAX_COLUMNS - 1
    return [[(init, gain) for gain in gains[k : k + columns]] for init in inits for k in range(0, len(gains), columns)]


def _left_out(layout: Layout, inits: Sequence[str], gains: Sequence[float]) -> str:
    drawn = [facet for row in layout.rows for facet in row]
    counts = [
        f"{found} of {len(names)} {what}"
        for what, names, found in (
            ("inits", inits, len({init for init, _ in drawn})),
            ("gains", gains, len({gain for _, gain in drawn})),
        )
        if found < len(names)
    ]
    parts = [f"Below the bars are {' and '.join(counts)}, evenly spaced; the CSV has all."] if counts else []
    if not layout.has_strips:
        parts.append("No room for where each seed trains and how many diverged; the heatmap has both.")
    return " ".join(parts)
