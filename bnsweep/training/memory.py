"""The memory of a worker: kept between steps, its peak measured, its share of a GPU."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path

import torch

from bnsweep.errors import InputError

_LIBC = ctypes.CDLL(None)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""The parameters of mallopt(3), by glibc's malloc.h."""
_MAX_MMAP_THRESHOLD, _MAX_TRIM_THRESHOLD = 2**25, 2**31 - 1
"""Bytes: the largest threshold that glibc takes, and all that a C int can say."""

_CLEAR_REFS, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
"""Linux: see proc(5)."""

CONTEXT_BYTES = 2**30
"""What a process takes of a GPU beside what PyTorch allocates: CUDA's context and the kernels that are loaded."""


def keep_freed_memory() -> None:
    """Keep in this process what a training step frees, since the next step needs as much.

    By its defaults glibc gives large blocks back to the system, which clears them page by page when they are asked for
    again. PyTorch has no setting for this, and glibc's environment variables would have to be there before the process.
    CPU time of a step so and by the defaults, medians of 6: a small VGG on 32x32 images 13.5 and 16.6 ms, ResNet-20 116
    and 125 ms; on 8x8 images the same. Elsewhere than with glibc nothing is done.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _MAX_MMAP_THRESHOLD)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, _MAX_TRIM_THRESHOLD)


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


def gpu_memory_bytes(device: torch.device) -> int | None:
    """Return the memory of the whole GPU, in bytes; None where the device is none."""
    return int(torch.cuda.get_device_properties(device).total_memory) if device.type == "cuda" else None


def least_share(peak_bytes: float, total_bytes: float) -> float:
    """Return the least `resources.gpus` with which a worker may allocate so much of a GPU: `memory_share`, inverted.

    >>> least_share(7 * 2**30, 80 * 2**30)
    0.1
    """
    return (peak_bytes + CONTEXT_BYTES) / total_bytes


def memory_share(gpus: float, total_bytes: int) -> float:
    """Return the fraction of a GPU's memory that PyTorch may allocate in a worker that has `gpus` of it, below 1.

    Raises:
        InputError: nothing is left of the share.
    """
    if (share_bytes := gpus * total_bytes - CONTEXT_BYTES) <= 0:
        raise InputError(
            f"resources.gpus: {gpus:g} of a GPU with {total_bytes / 2**30:.3g} GiB is less than the "
            f"{CONTEXT_BYTES / 2**30:g} GiB that a process takes before it trains; at least "
            f"{math.ceil(200 * CONTEXT_BYTES / total_bytes) / 100:g} there leaves as much again"
        )
    return share_bytes / total_bytes
