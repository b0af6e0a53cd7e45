"""The settings of a worker's process."""

from __future__ import annotations

import subprocess
import sys

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


def test_what_a_step_frees_is_there_for_the_next_one() -> None:
    """By glibc's defaults twenty steps of 32 MiB take up to 163,200 pages from the system; on some runs none."""
    done = subprocess.run([sys.executable, "-c", PAGES_OF_STEPS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000
