"""The memory of a worker's process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from bnsweep.training.memory import is_out_of_memory, peak_memory_bytes, reset_peak_memory

CPU = torch.device("cpu")
PAGES_OF_STEPS = """
import resource
import torch
from bnsweep.training.device import prepare_device
from bnsweep.spec.resources import Resources

def pages_of(steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        [torch.zeros(2**20) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

prepare_device(Resources())
pages_of(5)
print(pages_of(20))
"""
FAR_TOO_MUCH: dict[str, Callable[[], object]] = {
    "a tensor": lambda: torch.empty(2**60),
    "a copy": lambda: torch.ones(1).expand(2**50).clone(),
    "a product": lambda: torch.ones(2**24, 1) @ torch.ones(1, 2**24),
    "an array": lambda: np.empty(2**50),
}


def test_what_a_step_frees_is_there_for_the_next_one() -> None:
    """By glibc's defaults twenty steps of 32 MiB take up to 163,200 pages from the system; on some runs none."""
    done = subprocess.run([sys.executable, "-c", PAGES_OF_STEPS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000


@pytest.mark.parametrize("what", FAR_TOO_MUCH)
def test_an_allocation_that_fails_is_distinguished_from_other_errors(what: str) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as error:
        FAR_TOO_MUCH[what]()
    assert is_out_of_memory(error.value)


def test_another_error_of_pytorch_is_not_one_of_memory() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.ones(2) @ torch.ones(3)
    assert not is_out_of_memory(error.value)


def test_the_peak_is_that_since_the_reset() -> None:
    reset_peak_memory(CPU)
    before = peak_memory_bytes(CPU)
    assert before is not None
    large = torch.ones(2**25)
    size = large.nbytes
    del large
    peak = peak_memory_bytes(CPU)
    assert peak is not None
    assert peak - before > 0.9 * size
    reset_peak_memory(CPU)
    after = peak_memory_bytes(CPU)
    assert after is not None
    assert peak - after > 0.9 * size
