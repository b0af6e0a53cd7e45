"""Which device a worker trains on, and the settings under which the same spec gives the same bits there."""

from __future__ import annotations

import os
import socket

import torch

from bnsweep.errors import InputError
from bnsweep.spec.resources import Resources
from bnsweep.training.gpu import why_no_gpu
from bnsweep.training.memory import keep_freed_memory, memory_share


def prepare_device(resources: Resources) -> torch.device:
    """Return the worker's device and make this process deterministic on it: CPU where `gpus` is 0, else CUDA.

    BNSWEEP_DEVICE=cpu takes the CPU all the same: a rehearsal of a GPU sweep on nodes that only claim to have GPUs.
    PyTorch's own threads are one, whatever `cpus` is: another number sums in another order and gives other bits. With
    a share of a GPU this process gets no more than that share of its memory.

    Raises:
        InputError: the share leaves no memory, or PyTorch finds no GPU, whatever Ray believes, which takes a cluster
            file's word for how many there are.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    if resources.gpus == 0 or os.environ.get("BNSWEEP_DEVICE") == "cpu":
        return torch.device("cpu")
    if reason := why_no_gpu():
        raise InputError(
            f"resources.gpus: {resources.gpus:g} asked for, but PyTorch finds none on {socket.gethostname()}: {reason}"
        )
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # A kernel for each new tensor, and nothing reads what was not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch's module is a class
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # 10-bit mantissas would drown small gradient differences
    device = torch.device("cuda", 0)
    if resources.gpus < 1:
        total_bytes = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(memory_share(resources.gpus, total_bytes), device)
    return device
