"""The settings of a worker's process."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device

LOADED_BY_AN_OPTIMIZER = """
import sys
import torch
from bnsweep.training.optimizers import load_optimizers
load_optimizers()
before = set(sys.modules)
weight = torch.nn.Parameter(torch.zeros(1))
weight.grad = torch.ones(1)
torch.optim.Adam([weight]).step()
print(len(sys.modules.keys() - before))
"""


def test_a_sweep_without_gpus_trains_on_the_cpu_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepare_device(Resources(gpus=0)) == torch.device("cpu")
    monkeypatch.setenv("BNSWEEP_DEVICE", "cpu")
    assert prepare_device(Resources(gpus=1)) == torch.device("cpu")
    assert torch.get_num_threads() == 1


def test_what_optimizers_load_is_loaded_before_the_first_trial() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED_BY_AN_OPTIMIZER], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20  # of PyTorch's compiler alone there are hundreds
