"""The memory of a worker's process."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from bnsweep.errors import InputError
from bnsweep.training.memory import CONTEXT_BYTES, least_share, memory_share, peak_memory_bytes, reset_peak_memory

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


@pytest.mark.long
def test_what_a_step_frees_is_there_for_the_next_one() -> None:
    """By glibc's defaults twenty steps of 8,192 pages each take up to 163,200 from the system; on some runs none."""
    done = subprocess.run([sys.executable, "-c", PAGES_OF_STEPS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8192


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


@pytest.mark.parametrize(("gpus", "total_gib"), [(0.5, 16), (0.25, 16), (0.25, 80), (1 / 8, 80)])
def test_workers_that_share_a_gpu_fit_with_what_each_process_takes(gpus: float, total_gib: int) -> None:
    total_bytes = total_gib * 2**30
    share = memory_share(gpus, total_bytes)
    assert round(1 / gpus) * (share * total_bytes + CONTEXT_BYTES) == pytest.approx(total_bytes)
    assert share > 0
    assert least_share(share * total_bytes, total_bytes) == pytest.approx(gpus)


def test_a_share_that_leaves_no_memory_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"resources\.gpus: 0\.05 of a GPU with 16 GiB .* 1 GiB .* at least 0\.13 there"
    ):
        memory_share(0.05, 16 * 2**30)
