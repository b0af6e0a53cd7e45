"""What a drawn figure looks like: where its texts are."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def rendered(fig: Figure) -> dict[Text, Bbox]:
    """Draw the figure; return where each text that is seen is, in pixels."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    texts = [text for text in fig.findobj(Text) if isinstance(text, Text) and text.get_text().strip()]
    unseen = _not_drawn(fig)
    seen = [text for text in texts if text.get_visible() and text not in unseen]
    extents = {text: text.get_window_extent(canvas.get_renderer()) for text in seen}
    return {text: box for text, box in extents.items() if box.width > 0}


def _not_drawn(fig: Figure) -> set[Text]:
    """Return the labels that are there but not drawn: of axes that are off, of ticks outside the limits."""
    off = [axis for ax in fig.axes if not ax.axison for axis in (ax.xaxis, ax.yaxis)]
    found = {text for axis in off for text in axis.findobj(Text) if isinstance(text, Text)}
    for axis in [axis for ax in fig.axes for axis in (ax.xaxis, ax.yaxis)]:
        low, high = sorted(axis.get_view_interval())
        margin = 1e-9 * (high - low)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low - margin <= tick.get_loc() <= high + margin:
                found |= {tick.label1, tick.label2}
    return found


def clipped(fig: Figure, extents: dict[Text, Bbox]) -> list[str]:
    """Return the texts that reach beyond the edge of the figure by more than a pixel."""
    width, height = fig.get_size_inches() * fig.dpi
    return [
        text.get_text()
        for text, box in extents.items()
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]


def colliding(extents: dict[Text, Bbox]) -> list[tuple[str, str]]:
    """Return the pairs of texts of which one covers a part of the other, more than a pixel wide and high."""
    texts = [text.get_text() for text in extents]
    corners = np.array([box.extents for box in extents.values()]).reshape(-1, 4)
    low = np.maximum(corners[:, None, :2], corners[:, :2])
    high = np.minimum(corners[:, None, 2:], corners[:, 2:])
    covers = (high - low > 1).all(axis=-1)
    return [(texts[one], texts[other]) for one, other in np.argwhere(np.triu(covers, k=1))]
