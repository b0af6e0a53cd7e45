"""What holds frames, in one line: a notebook shows it, and frames in full would be a hundred lines."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import fields
from typing import Any

MAX_TEXT = 40
"""Characters of a value that is told as it is."""


def one_line(thing: Any) -> str:
    """Return a dataclass by its fields; of what is long by how many things it holds.

    >>> import pandas as pd
    >>> from analysis.loading.factors import Factor
    >>> Factor("lr", [0.1, 1.0], pd.Series(["a", "b", "c"]))
    Factor(name='lr', levels=[0.1, 1.0], of_setting: 3)
    """
    return (
        f"{type(thing).__name__}({', '.join(_told(field.name, getattr(thing, field.name)) for field in fields(thing))})"
    )


def _told(name: str, value: Any) -> str:
    text = repr(value)
    is_long = "\n" in text or len(text) > MAX_TEXT
    return f"{name}: {len(value)}" if is_long and isinstance(value, Sized) else f"{name}={' '.join(text.split())}"
