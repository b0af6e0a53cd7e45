"""The settings of a worker's process."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device
from bnsweep.training.memory import CONTEXT_BYTES

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


@pytest.mark.long
def test_what_optimizers_load_is_loaded_before_the_first_trial() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED_BY_AN_OPTIMIZER], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20  # of PyTorch's compiler alone there are hundreds


def test_a_share_of_a_gpu_is_a_share_of_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What PyTorch is told; there is no GPU here that would hold it to that."""
    told = list[tuple[float, torch.device]]()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=16 * CONTEXT_BYTES))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *given: told.append(given))
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda _: None)
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    for gpus in (0.25, 1):
        assert prepare_device(Resources(gpus=gpus)) == torch.device("cuda", 0)
    assert told == [(3 / 16, torch.device("cuda", 0))]
    assert not torch.utils.deterministic.fill_uninitialized_memory  # a kernel for each tensor that is made
