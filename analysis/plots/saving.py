"""How a figure is saved: as PNG and as SVG, the same bytes each time."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


DPI = 200
"""Of the PNG."""


def save(fig: Figure, directory: Path, name: str) -> str:
    """Write name.png and name.svg into `directory`; return the PNG in base64, to embed. Within `style()`."""
    png = directory / f"{name}.png"
    _settle(fig)
    fig.savefig(png, dpi=DPI, metadata={"Software": None})
    fig.savefig(directory / f"{name}.svg", metadata={"Date": None, "Creator": None})
    return base64.b64encode(png.read_bytes()).decode()


def _settle(fig: Figure) -> None:
    """Find the places of all parts, once for both files, but for their last bits, which differ from time to time.

    Left to `savefig` it takes one more drawing.
    """
    engine, dpi = fig.get_layout_engine(), fig.dpi
    if engine is not None:
        fig.dpi = DPI
        engine.execute(fig)
        fig.dpi = dpi
    fig.set_layout_engine(None)
    for part in fig.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(9))
    for ax in fig.axes:
        x, y, width, height = (round(number, 9) for number in ax.get_position().bounds)
        ax.set_position((x, y, width, height))
