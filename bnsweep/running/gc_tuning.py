"""Garbage collection in the processes that are bnsweep's alone, never in a notebook's."""

from __future__ import annotations

import gc

_USUAL = gc.get_threshold()


def raise_gc_thresholds() -> None:
    """Look for garbage less often, for imports: a fifth of the time that PyTorch's and Ray's take goes there."""
    gc.set_threshold(50_000)


def restore_gc_thresholds() -> None:
    """Look for garbage as often as Python does: what a trial leaves in cycles may be tensors."""
    gc.set_threshold(*_USUAL)


def freeze_gc() -> None:
    """Never look again at what there is now, the modules imported above all: it is not garbage until the end."""
    gc.freeze()
