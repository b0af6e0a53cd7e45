"""What this machine has and lacks for running sweeps."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import torch

from bnsweep.limits import cpus, machine_memory_bytes, memory_bytes
from bnsweep.training.gpu import why_no_gpu

GIB = 2**30


@dataclass(frozen=True)
class Check:
    """One thing looked for: whether it is there, what was found, and whether sweeps run without it."""

    what: str
    ok: bool
    found: str
    optional: bool = False


PACKAGES = ("torch", "torchvision", "numba", "ray", "optuna", "pandas", "pyarrow", "seaborn")


def examine() -> list[Check]:
    """Look at everything; nothing is changed."""
    return [
        Check("python", True, platform.python_version()),
        *(_package(name) for name in PACKAGES),
        _try("images can be decoded", _decode_image),
        Check("CPUs", True, f"{cpus():g}" + _limited(cpus() < (os.cpu_count() or 1), f"{os.cpu_count()}")),
        _memory(),
        Check("free disk here", *_at_least(shutil.disk_usage(".").free, GIB)),
        _shared_memory(),
        _gpu(),
        Check("git", bool(shutil.which("git")), shutil.which("git") or "none: results will not name the commit", True),
    ]


def _package(name: str) -> Check:
    return _try(name, lambda: (importlib.import_module(name), version(name))[1])


def _try(what: str, check: Callable[[], str]) -> Check:
    try:
        return Check(what, True, check())
    except Exception as error:  # whatever is broken about an install is what the check reports
        return Check(what, False, f"{type(error).__name__}: {error}")


def _decode_image() -> str:
    from PIL import features

    missing = [name for name in ("jpg", "zlib", "webp") if not features.check(name)]
    if missing:
        raise ValueError(f"Pillow was built without {', '.join(missing)}")
    return "JPEG, PNG, WebP"


def _at_least(found: int, wanted: int) -> tuple[bool, str]:
    enough = "" if found >= wanted else f"; {wanted / GIB:.2g} GiB wanted"
    return found >= wanted, f"{found / GIB:.1f} GiB{enough}"


def _shared_memory() -> Check:
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError as error:
        return Check("shared memory for Ray", False, f"no /dev/shm ({error.strerror})", optional=True)
    return Check("shared memory for Ray", *_at_least(free, GIB // 4), optional=True)


def _memory() -> Check:
    found, machine = memory_bytes(), machine_memory_bytes()
    is_enough, text = _at_least(found, 2 * GIB)
    return Check("memory", is_enough, text + _limited(found < machine, f"{machine / GIB:.1f} GiB"))


def _limited(is_limited: bool, machine: str) -> str:
    return f"; this machine has {machine}, of which a cgroup or affinity grants no more" if is_limited else ""


def _gpu() -> Check:
    if reason := why_no_gpu():
        return Check("GPU", False, f"none that PyTorch can use; sweeps with gpus: 0 run on the CPU; {reason}", True)
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return Check("GPU", True, ", ".join(names))
