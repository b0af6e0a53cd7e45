"""Random numbers: the seed of every stream of a trial, and the state of the global generators.

Every stream of ours is derived from the trial's seed alone: paired across lr, gain and norm, and never global. The
global generators are what a user's model or dropout may draw from.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor


def derive(seed: int, stream: str, *indices: int) -> int:
    """Return the 63-bit seed of one named stream.

    >>> derive(0, "weights", 3) == derive(0, "weights", 3)
    True
    >>> derive(0, "weights", 3) == derive(0, "data_order", 3)
    False
    """
    spawn_key = (zlib.crc32(stream.encode()), *indices)
    return int(np.random.SeedSequence(seed, spawn_key=spawn_key).generate_state(1, np.uint64)[0] >> np.uint64(1))


@dataclass(frozen=True)
class RngState:
    """Where the global random streams stand: what dropout draws its masks from.

    Args:
        cpu: state of torch's generator for the CPU.
        cuda: state of the generator of the CUDA device that holds the model; None where the CPU holds it.
        numpy: state of numpy's global generator.
        python: state of the module `random`.
    """

    cpu: Tensor
    cuda: Tensor | None
    numpy: Any
    python: Any

    def state_dict(self) -> dict[str, Any]:
        """Return it as tensors and plain values."""
        name, keys, *rest = self.numpy
        numpy = [name, torch.from_numpy(keys.astype(np.int64)), *rest]
        return {"cpu": self.cpu, "cuda": self.cuda, "numpy": numpy, "python": self.python}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """Return what `state_dict` was of."""
        name, keys, *rest = state["numpy"]
        numpy = (name, keys.cpu().numpy().astype(np.uint32), *rest)
        return cls(state["cpu"], state["cuda"], numpy, state["python"])


def capture_rng(device: torch.device) -> RngState:
    """Return the state of the streams that a model on `device` may draw from."""
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return RngState(torch.get_rng_state(), cuda, np.random.get_state(), random.getstate())  # noqa: NPY002  the global one


def restore_rng(state: RngState, device: torch.device) -> None:
    """Put the streams where `state` says."""
    torch.set_rng_state(state.cpu.cpu())  # on the CPU already, unless a checkpoint was loaded onto the device
    if state.cuda is not None:
        torch.cuda.set_rng_state(state.cuda.cpu(), device)
    np.random.set_state(state.numpy)  # noqa: NPY002
    random.setstate(state.python)


@contextmanager
def replayed(state: RngState | None, device: torch.device) -> Iterator[None]:
    """Start the streams at `state` within the block, where they are for None, and put them back after it."""
    before = capture_rng(device)
    if state is not None:
        restore_rng(state, device)
    try:
        yield
    finally:
        restore_rng(before, device)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Start the streams where `seed` puts them within the block, and put them back after it."""
    with replayed(None, device):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        yield
