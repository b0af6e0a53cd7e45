"""Garbage collection in the processes that are bnsweep's alone: never in a notebook's or a test's."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Look for garbage less often: else a fifth of the time that PyTorch's and Ray's imports take goes there."""
    gc.set_threshold(50_000)


def spare_what_stays() -> None:
    """Never look again at what there is now, the modules imported above all: it is not garbage until the end."""
    gc.freeze()
