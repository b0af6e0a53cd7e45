"""Which device a worker trains on, and the settings under which the same spec gives the same bits there."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import torch

from bnsweep.spec.resources import Resources

_LIBC = ctypes.CDLL(None)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MAX_MMAP_THRESHOLD, _KEPT = 2**25, 2**31 - 1
"""Bytes: the largest threshold that glibc takes, and all that a C int can say."""

_CLEAR_REFS, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def prepare_device(resources: Resources) -> torch.device:
    """Return the worker's device and make this process deterministic on it: CPU where `gpus` is 0, else CUDA.

    BNSWEEP_DEVICE=cpu takes the CPU all the same: a rehearsal of a GPU sweep on nodes that only claim to have GPUs.
    PyTorch's own threads are one, whatever `cpus` is: another number sums in another order and gives other bits.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    if resources.gpus == 0 or os.environ.get("BNSWEEP_DEVICE") == "cpu":
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # 10-bit mantissas would drown small gradient differences
    return torch.device("cuda", 0)


def keep_freed_memory() -> None:
    """Keep in this process what a training step frees, since the next step needs as much.

    By its defaults glibc gives large blocks back to the system, which clears them page by page when they are asked for
    again. Elsewhere than with glibc nothing is done.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _MAX_MMAP_THRESHOLD)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def _give_back_freed_memory() -> None:
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


def reset_peak_memory(device: torch.device) -> None:
    """Begin to count the peak anew: of the device's memory on a GPU, of this process's on a CPU."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR_REFS.exists():
        _give_back_freed_memory()
        _CLEAR_REFS.write_text("5")


def peak_memory_bytes(device: torch.device) -> int | None:
    """Return the peak since `reset_peak_memory`, in bytes; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if not _CLEAR_REFS.exists():
        return None
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory was short, on the GPU or of the machine."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)  # PyTorch's allocator for CPUs
