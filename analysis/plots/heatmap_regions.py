"""A panel of the heatmap with more cells than dots: a picture, on which regions are framed and hatched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.nan_aware import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def draw_regions(
    ax: Axes, accuracy: Floats, trains: NDArray[np.bool_], lost: NDArray[np.bool_], **shades: Any
) -> AxesImage:
    """Draw accuracies, a frame around what trains and hatches where runs diverged: arrays of shape (rows, columns).

    Accuracies to two digits, which is more than colours tell: with all of them the file is twice as large.
    """
    rows, columns = (np.arange(size) + 0.5 for size in accuracy.shape)
    place = (0, accuracy.shape[1], 0, accuracy.shape[0])
    told = np.ma.masked_invalid(accuracy).round(2)
    image = ax.imshow(told, origin="lower", aspect="auto", extent=place, interpolation="nearest", **shades)
    if lost.any():
        shown = ax.contourf(columns, rows, lost, levels=[0.5, 1.5], colors="none", hatches=["////"])
        shown.set_edgecolor("#cfcfcf")
        shown.set_linewidth(0)
    if trains.any() and not trains.all():
        ax.contour(columns, rows, trains, levels=[0.5], colors="black", linewidths=1.0)
    return image
