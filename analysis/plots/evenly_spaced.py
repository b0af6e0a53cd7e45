"""Which of many layers or learning rates a figure has room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def evenly_spaced(items: Sequence[T], max_items: int) -> list[T]:
    """Return at most `max_items` of the items, evenly spaced, the first and the last among them."""
    picks = np.linspace(0, len(items) - 1, min(max_items, len(items))).round().astype(int)
    return [items[k] for k in picks]
