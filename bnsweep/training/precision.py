"""The precision of a trial: what its numbers are held in, and in which its matrix products are taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from bnsweep.data import Dataset


def held_in(data: Dataset, precision: str) -> Dataset:
    """Return the data as a trial of this precision computes with them: in float64, or as they are.

    Bytes are standardized in it; what was standardized before keeps the digits that it has in float32.
    """
    if precision != "float64":
        return data
    parts = {name: getattr(data, name) for name in ("train_x", "test_x", "train_y", "test_y", "mean", "std")}
    return replace(data, **{name: part.double() for name, part in parts.items() if part.is_floating_point()})


@contextmanager
def products_in(precision: str, device: torch.device) -> Iterator[None]:
    """Let a CUDA device, within the block, take products of float32 by its TF32 units where the precision is tf32.

    TF32 has 10 bits of mantissa. A CPU has no such units: there it is float32, to the bit.
    """
    if precision != "tf32" or device.type != "cuda":
        yield
        return
    backends = torch.backends
    before = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32
    backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32 = before
