"""The ways in which a caller may name a sweep."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bnsweep.api.arguments import place_text
from bnsweep.errors import InputError
from bnsweep.spec.error_messages import shown
from bnsweep.spec.sweep import Sweep

SweepLike = Sweep | str | os.PathLike[str] | Mapping[str, Any]
"""A sweep, the path of its file, or what such a file says as a mapping."""


def as_sweep(sweep: SweepLike) -> Sweep:
    """Return the sweep that is named.

    Raises:
        InputError: its file cannot be read, or it says something impossible.
    """
    if isinstance(sweep, Sweep):
        return sweep
    if isinstance(sweep, Mapping):
        return Sweep.from_dict(sweep)
    if isinstance(sweep, str | os.PathLike):
        return Sweep.from_yaml(sweep)
    raise InputError(f"sweep: given {shown(sweep)}; it should be a Sweep, the path of its file, or what that says")


def directory_of(sweep: Sweep, out: str | os.PathLike[str] | None) -> str:
    """Return where the results of a sweep are: `out`, or if that is not given `results/<name>`."""
    return f"results/{sweep.name}" if out is None else place_text("out", out)
