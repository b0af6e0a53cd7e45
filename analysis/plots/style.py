"""How every figure looks: one colour, marker and line per normalization mode, and figures without global state.

Any two colours are at least 17 apart in CIELAB to readers with full sight, protanopia or deuteranopia, 13 with the rare
tritanopia (Machado et al. 2009). Most are of the Okabe-Ito and Paul Tol palettes; those on a dark ground were searched
near their hues. Markers and lines tell the modes apart in grey print as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from bnsweep.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Dashes = tuple[float, ...]
"""Lengths of strokes and gaps in line widths; none of a solid line."""

CROSS = "\N{MULTIPLICATION SIGN}"
"""Before a count of diverged runs."""


@dataclass(frozen=True)
class NormStyle:
    """Colour on a light ground and on a dark one, marker and line of one normalization mode."""

    color: str
    on_dark: str
    marker: str
    dashes: Dashes

    @property
    def line(self) -> Literal["-"] | tuple[int, Dashes]:
        """Matplotlib's name of the line."""
        return (0, self.dashes) if self.dashes else "-"


NORM_STYLES: dict[str, NormStyle] = {
    "none": NormStyle("#4d4d4d", "#ccbbbb", "o", (3.7, 1.6)),
    "batch": NormStyle("#0072b2", "#4477cc", "s", ()),
    "noisy_batch": NormStyle("#d55e00", "#dd6655", "^", (6.4, 1.6, 1, 1.6)),
    "l1": NormStyle("#009e73", "#ccffcc", "v", (5, 1)),
    "l2": NormStyle("#56b4e9", "#99ddff", "D", (3, 1, 1, 1)),
    "linf": NormStyle("#cc79a7", "#ee0077", "<", (1, 1)),
    "layer": NormStyle("#e69f00", "#998800", ">", (5, 1, 1, 1)),
    "group": NormStyle("#551155", "#dd77bb", "p", (4, 2)),
    "instance": NormStyle("#117733", "#55ff88", "h", (3, 1)),
    "rms": NormStyle("#550000", "#eebb33", "X", (2, 1)),
    "weight": NormStyle("#332288", "#99aaff", "P", (6, 2, 1, 2)),
    "weight_standardization": NormStyle("#8811ee", "#8855ff", "d", (3, 2, 1, 2)),
    "dyt": NormStyle("#ddcc77", "#eeff00", "*", (1, 2)),
}
"""Every mode of the design, the same in every figure."""
PALETTE = {norm: look.color for norm, look in NORM_STYLES.items()}
MARKERS = {norm: look.marker for norm, look in NORM_STYLES.items()}
DASHES: dict[str, Dashes | str] = {norm: look.dashes or "" for norm, look in NORM_STYLES.items()}
"""The same as seaborn takes them: `sns.lineplot(..., hue="norm", palette=PALETTE)`."""

_SHORT = {"weight_standardization": "weight_std"}
"""Names that would be wider than a panel."""

_TICKS = {("major", "size"): 3.0, ("major", "width"): 0.7, ("minor", "size"): 1.5, ("minor", "width"): 0.5}
_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    **{f"{axis}tick.{kind}.{part}": number for axis in "xy" for (kind, part), number in _TICKS.items()},
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "#444444",
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "bnsweep",
    "savefig.facecolor": "white",
}


def norm_style(norm: str) -> NormStyle:
    """Return the style of a mode.

    Raises:
        InputError: no such mode.
    """
    if norm not in NORM_STYLES:
        raise InputError(f"norm: no mode {norm!r}; {did_you_mean(norm, NORM_STYLES)}")
    return NORM_STYLES[norm]


def short_name(norm: str) -> str:
    """Return what axes, panels and legends call a mode; tables and headlines have its name.

    >>> short_name("weight_standardization"), short_name("batch")
    ('weight_std', 'batch')
    """
    return _SHORT.get(norm, norm)


@contextmanager
def style() -> Iterator[None]:
    """Apply the style within a `with` block, to what is made and saved there: seaborn's `ticks`, and what is ours."""
    import matplotlib as mpl

    with mpl.rc_context(_theme()):
        yield


@cache
def _theme() -> dict[Any, Any]:
    import seaborn as sns

    return {**sns.axes_style("ticks"), **sns.plotting_context("paper"), **_RC}


def handles(norms: Sequence[str], marker: bool = True) -> list[Line2D]:
    """Return the legend entries of these modes."""
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [],
            [],
            color=norm_style(norm).color,
            linestyle=norm_style(norm).line,
            marker=norm_style(norm).marker if marker else "",
            label=short_name(norm),
        )
        for norm in norms
    ]


def lr_axis(ax: Axes, lrs: Sequence[float], ticks: int = 7) -> None:
    """Make x a logarithmic learning-rate axis of at most `ticks` labels, with a margin at each end."""
    from matplotlib.ticker import LogLocator, NullLocator

    ax.set_xscale("log")
    spacing = (lrs[-1] / lrs[0]) ** (1 / max(len(lrs) - 1, 1)) if len(lrs) > 1 else 10.0
    ax.set_xlim(lrs[0] / spacing**0.4, lrs[-1] * spacing**0.4)
    ax.xaxis.set_major_locator(LogLocator(base=10, numticks=ticks))
    ax.xaxis.set_minor_locator(NullLocator())


def value_axis(ax: Axes, values: Any) -> None:
    """Make y logarithmic where all values are positive and span more than a factor of 30."""
    import numpy as np
    from matplotlib.ticker import NullFormatter

    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if finite.size and finite.min() > 0 and finite.max() / finite.min() > 30:
        ax.set_yscale("log")
        ax.yaxis.set_minor_formatter(NullFormatter())  # labels between powers of ten would overlap
