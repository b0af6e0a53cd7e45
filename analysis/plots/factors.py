"""What each factor of a sweep does: a panel per factor and measure, its levels on x, a line per mode."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.factors import Factor, factors_of
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.loading.spec_fields import Level, in_words
from analysis.measures.scores import require_score
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.style import PALETTE, handles, style
from analysis.statistics.nan_aware import Floats
from analysis.tables.factors import FACTOR_MEASURES, factor_table
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_FACTORS = 6
MAX_COLUMNS = 3
MAX_TICKS = 6
LINE = 12
"""Letters of a level on a line."""
MAX_LETTERS = 36
LOG_RATIO = 8
"""From this ratio of the largest to the smallest level on, the axis is logarithmic."""
AXIS_LABELS = {"mean_accuracy": "mean accuracy\nover log lr", "trainable_decades": "decades\nthat train"}


@dataclass(frozen=True, repr=False)
class FactorsData:
    """What the figure of factors shows, of all settings together."""

    title: str
    subtitle: str
    norms: list[str]
    factors: list[Factor]
    """The factors drawn."""
    rows: pd.DataFrame
    """The rows of `factor_table`, of every factor."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"factors": self.rows}


def factors_data(results: Results, rows: pd.DataFrame | None = None) -> FactorsData:
    """Arrange what `factor_table` found; `rows` is that table, computed here if None.

    Raises:
        InputError: the sweep has a single setting, or no trial has a score.
    """
    require_score(results.trials)
    factors = factors_of(results.settings)
    if not factors:
        raise InputError(
            "the sweep has one setting: no field of the spec varies but norm, init, init_gain, lr and seed"
        )
    rows = factor_table(results) if rows is None else rows
    known = rows.dropna(subset="value")
    drawn = [factor for factor in factors if factor.name in set(known["factor"])]
    return FactorsData(
        title=_title(known) if len(known) else _why_nothing(rows),
        subtitle=f"Of {len(results.settings.fields)} settings: at each level the mean over all settings that are there "
        f"with every level of the factor, with {_intervals(known)}.{_notes(rows, len(drawn))}",
        norms=in_order(results.trials["norm"]),
        factors=drawn[:MAX_FACTORS],
        rows=rows,
    )


def _intervals(known: pd.DataFrame) -> str:
    if known["low"].isna().all():
        return "no interval: too few seeds"
    return "its interval over seeds and what the grid leaves open"


def _title(known: pd.DataFrame) -> str:
    """Return the factor that moves the mean accuracy most, and by how much: most in one mode, least in another."""
    of_accuracy = known[known["measure"] == FACTOR_MEASURES[0]]
    ranges = of_accuracy.groupby(["factor", "norm"], sort=False)["value"].agg(np.ptp)
    factor = str(ranges.groupby("factor", sort=False).max().idxmax())
    moved = ranges[factor].sort_values(ascending=False, kind="stable")
    ends = list(dict.fromkeys([moved.index[0], moved.index[-1]]))
    parts = ", ".join(f"{norm} by {moved[norm]:.2f}" for norm in ends)
    return f"Of the factors {factor} moves the mean accuracy most: {parts}"


def _why_nothing(rows: pd.DataFrame) -> str:
    if (rows["n_settings"] == 0).all():
        return "No setting has a counterpart that differs in one factor alone"
    return "No factor can be measured: no seed has a result at every point, or there are too few learning rates"


def _notes(rows: pd.DataFrame, num_drawn: int) -> str:
    """Return what the reader must know of factors that are not drawn, settings left out, and grids that differ."""
    by_factor = rows.groupby("factor", sort=False)[["n_settings", "n_settings_left_out", "same_grid"]].first()
    aliased = by_factor.index[by_factor["n_settings"] == 0]
    partial = by_factor[(by_factor["n_settings"] > 0) & (by_factor["n_settings_left_out"] > 0)]
    unlike = by_factor.index[~by_factor["same_grid"].astype(bool)]
    notes = []
    if num_drawn > MAX_FACTORS:
        notes.append(f"{MAX_FACTORS} of {num_drawn} factors are drawn; the CSV has all.")
    if len(aliased):
        notes.append(f"Not drawn, since no settings differ in it alone: {', '.join(aliased)}.")
    notes += [f"{name}: {row['n_settings_left_out']} settings have no counterpart." for name, row in partial.iterrows()]
    if len(unlike):
        notes.append(f"Run at other learning rates, inits or gains by level: {', '.join(unlike)}.")
    return "".join(f" {note}" for note in notes)


def draw_factors(data: FactorsData, ax: Axes | None = None) -> Figure:
    """Draw a column per factor and a row per measure; of more factors than columns, further rows."""
    columns = min(MAX_COLUMNS, max(1, len(data.factors)))
    blocks = max(1, -(-len(data.factors) // columns))
    measures = list(AXIS_LABELS)
    with style():
        whole, fig = canvas(ax, 1.5 + 0.2 * (len(data.norms) > 6) + 1.75 * blocks * len(measures))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(blocks * len(measures), columns, squeeze=False, sharey="row")
        for row, column in np.ndindex(grid.shape):
            panel: Axes = grid[row, column]  # type: ignore[assignment]  # an array of objects
            block, k = divmod(row, len(measures))
            place = block * columns + column
            if place >= len(data.factors):
                panel.set_axis_off()
                continue
            _draw_panel(panel, data, data.factors[place], measures[k])
            panel.set_ylabel(AXIS_LABELS[measures[k]] if column == 0 else "")
            if k == len(measures) - 1:
                panel.set_xlabel("\n".join(textwrap.wrap(data.factors[place].name, 30)), parse_math=False)
        fig.legend(handles=handles(data.norms), loc="outside lower center", ncols=columns_in(fig, 6))
    return whole


def _draw_panel(ax: Axes, data: FactorsData, factor: Factor, measure: str) -> None:
    scale, places = places_of(factor.levels)
    words = [in_words(level) for level in factor.levels]
    rows = data.rows[(data.rows["factor"] == factor.name) & (data.rows["measure"] == measure)]
    lines = []
    for k, norm in enumerate(data.norms):
        mine = rows[rows["norm"] == norm].set_index("level").loc[words]
        x = _dodged(scale, places, k, len(data.norms))
        ax.vlines(x, mine["low"], mine["high"], color=PALETTE[norm], lw=1)
        lines.append(mine.assign(x=x))
    draw_lines(ax, pd.concat(lines), "x", "value", data.norms, ms=3.5, lw=1.2)
    if scale == "log":
        ax.set_xscale("log")
        ax.minorticks_off()
    every = -(-len(words) // MAX_TICKS)
    labels = ["\n".join(textwrap.wrap(textwrap.shorten(word, MAX_LETTERS), LINE)) for word in words]
    ax.set_xticks(places[::every], labels[::every], parse_math=False)
    ax.set_ylim(bottom=0)
    ax.grid(visible=True, axis="y")


def places_of(levels: list[Level]) -> tuple[str, Floats]:
    """Return the scale of the axis, 'log', 'linear' or 'category', and where the levels are on it.

    Numbers are at their value, on a logarithmic axis where they span a factor of `LOG_RATIO`; with a zero or a negative
    one among such they are in order at equal distances, as names are.
    """
    numbers = np.array([np.nan if isinstance(level, str) else float(level) for level in levels])
    sizes = np.abs(numbers[numbers != 0])
    if np.isnan(numbers).any():
        return "category", np.arange(len(levels), dtype=float)
    if sizes.max() / sizes.min() < LOG_RATIO:
        return "linear", numbers
    return ("log", numbers) if (numbers > 0).all() else ("category", np.arange(len(levels), dtype=float))


def _dodged(scale: str, places: Floats, k: int, count: int) -> Floats:
    """Return the places of the k-th of `count` modes, so far apart that their intervals can be told apart."""
    share = 0.25 * (k / max(count - 1, 1) - 0.5)
    on_axis = np.log(places) if scale == "log" else places
    spacing = float(np.diff(np.sort(on_axis)).min()) if len(places) > 1 else 1.0
    moved = on_axis + share * spacing
    return np.exp(moved) if scale == "log" else moved
