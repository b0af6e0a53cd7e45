"""Garbage collection in the processes that are bnsweep's alone, never in a notebook's."""

from __future__ import annotations

import gc

_USUAL = gc.get_threshold()
_RAISED = 50_000


def raise_gc_thresholds() -> None:
    """Look for garbage less often, for imports: a fifth of the time that PyTorch's and Ray's take goes there."""
    gc.set_threshold(_RAISED)


def restore_gc_thresholds() -> None:
    """Look for garbage as often as Python does, if it is ours to say: what a trial leaves in cycles may be tensors."""
    if gc.get_threshold()[0] == _RAISED:
        gc.set_threshold(*_USUAL)


def freeze_gc() -> None:
    """Never look again at what there is now, the modules imported above all: it is not garbage until the end."""
    gc.freeze()
