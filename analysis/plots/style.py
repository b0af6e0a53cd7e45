"""How every figure looks: one colour, marker and line per normalization mode, and figures without global state.

The colours are from the Okabe-Ito and Paul Tol palettes and two dark violets: any two are at least 13 apart in CIELAB
to readers with and without any of the three kinds of colour blindness (Machado et al. 2009). Markers and lines tell
the modes apart in grey print as well.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bnsweep.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Line = Literal["-", "--", "-."] | tuple[int, tuple[float, ...]]

WIDTH_IN = 7.0
MAX_HEIGHT_IN = 10.0
"""What fits on a page of a paper, and on a screen."""
CROSS = "\N{MULTIPLICATION SIGN}"
"""Before a count of diverged runs."""


@dataclass(frozen=True)
class NormStyle:
    """Colour, marker and line of one normalization mode."""

    color: str
    marker: str
    line: Line


NORM_STYLES: dict[str, NormStyle] = {
    "none": NormStyle("#4d4d4d", "o", "--"),
    "batch": NormStyle("#0072b2", "s", "-"),
    "noisy_batch": NormStyle("#d55e00", "^", "-."),
    "l1": NormStyle("#009e73", "v", (0, (5, 1))),
    "l2": NormStyle("#56b4e9", "D", (0, (3, 1, 1, 1))),
    "linf": NormStyle("#cc79a7", "<", (0, (1, 1))),
    "layer": NormStyle("#e69f00", ">", (0, (5, 1, 1, 1))),
    "group": NormStyle("#551155", "p", (0, (4, 2))),
    "instance": NormStyle("#117733", "h", (0, (3, 1))),
    "rms": NormStyle("#999933", "X", (0, (2, 1))),
    "weight": NormStyle("#332288", "P", (0, (6, 2, 1, 2))),
    "weight_standardization": NormStyle("#8811ee", "d", (0, (3, 2, 1, 2))),
    "dyt": NormStyle("#ddcc77", "*", (0, (1, 2))),
}
"""Every mode of the design, the same in every figure."""

_SHORT = {"weight_standardization": "weight_std"}
"""Names that would be wider than a panel."""

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
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
    """Apply the style within a `with` block, to what is made and saved there."""
    import matplotlib as mpl

    with mpl.rc_context(_RC):  # type: ignore[arg-type]  # it knows each key by name
        yield


def new_figure(height_in: float) -> Figure:
    """Return an empty figure of column width, at most `MAX_HEIGHT_IN` high: what would need more is drawn closer."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, min(height_in, MAX_HEIGHT_IN)), layout="constrained", dpi=200)


def set_title(fig: Figure, title: str, subtitle: str = "") -> None:
    """Write the headline, bold and at the left, and below it in grey how to read the figure."""
    bold, plain = (
        textwrap.wrap(title, 84),
        [part for line in subtitle.splitlines() for part in textwrap.wrap(line, 112)],
    )
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
