"""What overflowed: counted as infinite, named in words, and drawn as a band that is open at the top.

A loss, gradient or shift that is not finite got so by overflow. Leaving it out would make the roughest landscape look
smooth, so it is infinite here, as in the probe columns of the trials table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.plots.style import value_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OPEN = "\N{UPWARDS ARROW}"
MAX_NAMED = 4


def or_inf(values: pd.Series[float]) -> pd.Series[float]:
    """Return `values` with infinity for each that is not finite."""
    return values.where(np.isfinite(values), np.inf)


def by_roughness(sizes: pd.Series[float], norms: pd.Series[str]) -> list[str]:
    """Return '<norm> <median size>' for each norm, the smoothest first; of more than four the ends alone.

    A norm of which some sizes are infinite comes after all that have none, the larger its share of them the later:
    its median could be small.
    """
    known = pd.DataFrame({"size": sizes, "norm": norms, "open": sizes == np.inf}).dropna(subset="size")
    found = known.groupby("norm").agg(
        median=("size", "median"), count=("size", "count"), open=("open", "sum"), share=("open", "mean")
    )
    found = found.sort_values(["share", "median"], kind="stable")
    parts = [_in_words(str(norm), row) for norm, row in found.iterrows()]
    return parts if len(parts) <= MAX_NAMED else [parts[0], parts[-1]]


def _in_words(norm: str, row: pd.Series[float]) -> str:
    if not row["open"]:
        return f"{norm} {row['median']:.2g}"
    size = f"{row['median']:.2g}" if np.isfinite(row["median"]) else "unbounded"
    return f"{norm} {size} ({row['open']:.0f} of {row['count']:.0f} open)"


def open_note(opened: Mapping[str, pd.Series[int]]) -> str:
    """Return how many bands are open at the top, by measure; '' if none is. Each series holds a count per band."""
    counts = {measure: int((count > 0).sum()) for measure, count in opened.items()}
    parts = [f"{count} of {len(opened[measure])} of the {measure}" for measure, count in counts.items() if count]
    return f" Open at the top, marked {OPEN}, where it overflowed: {' and '.join(parts)}." if parts else ""


def limit(ax: Axes, values: Any) -> None:
    """Choose scale and limits of y from the finite ones of `values`, so that panels given the same have the same."""
    everything = np.asarray(values, dtype=float)
    finite = everything[np.isfinite(everything)]
    value_axis(ax, finite)
    if not finite.size:
        ax.set_ylim(0, 1)
        ax.set_yticks([])
    elif ax.get_yscale() == "log":
        ax.set_ylim(finite.min() / 1.3, finite.max() * 1.3)
    else:
        margin = 0.05 * (finite.max() - finite.min()) or 0.5
        ax.set_ylim(finite.min() - margin, finite.max() + margin)


def fill_band(
    ax: Axes, steps: pd.Series[int], low: pd.Series[float], high: pd.Series[float], color: str, alpha: float
) -> None:
    """Fill from `low` to `high`, and up to the top of the axes, marked there, where `high` is infinite.

    The limits of the axes must have been set.
    """
    at, bottom, top = (values.to_numpy(dtype=float) for values in (steps, low, high))
    is_open = np.isinf(top)
    bottom, top = np.where(np.isinf(bottom), np.nan, bottom), np.where(is_open, ax.get_ylim()[1], top)
    ax.fill_between(at, bottom, top, color=color, alpha=alpha, lw=0)
    if is_open.any():
        at_top = ax.get_xaxis_transform()
        ax.plot(at[is_open], np.full(is_open.sum(), 0.95), ls="", marker=f"${OPEN}$", color=color, transform=at_top)
