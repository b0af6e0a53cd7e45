"""How a figure is saved: as PNG and as SVG, the same bytes each time."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save(fig: Figure, directory: Path, name: str) -> str:
    """Write name.png and name.svg into `directory`; return the PNG in base64, to embed. Within `style()`."""
    png = directory / f"{name}.png"
    fig.savefig(png, dpi=200, metadata={"Software": None})
    _settle(fig)
    fig.savefig(directory / f"{name}.svg", metadata={"Date": None, "Creator": None})
    return base64.b64encode(png.read_bytes()).decode()


def _settle(fig: Figure) -> None:
    """Keep the places found for the first file, but for their last bits, which differ from one drawing to the next."""
    fig.set_layout_engine(None)
    for part in fig.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(9))
    for ax in fig.axes:
        x, y, width, height = (round(number, 9) for number in ax.get_position().bounds)
        ax.set_position((x, y, width, height))
