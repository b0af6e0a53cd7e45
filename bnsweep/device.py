"""Which device a worker trains on, and the settings under which the same spec gives the same bits there."""

from __future__ import annotations

import os

import torch

from bnsweep.sweep import Resources


def prepare_device(resources: Resources) -> torch.device:
    """Return the worker's device and make this process deterministic on it: CPU where `gpus` is 0, else CUDA.

    On a CPU, each whole CPU of the worker is one thread.
    """
    torch.set_num_threads(max(1, int(resources.cpus)))
    if resources.gpus == 0:
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    return torch.device("cuda", 0)
