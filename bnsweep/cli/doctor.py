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

GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked for: whether it is there, what was found, and whether sweeps run without it."""

    what: str
    ok: bool
    found: str
    optional: bool = False


def examine() -> list[Finding]:
    """Look at everything; nothing is changed."""
    return [
        Finding("python", True, platform.python_version()),
        *(_package(name) for name in ("torch", "torchvision", "ray", "optuna", "pandas", "pyarrow", "seaborn")),
        _try("images can be decoded", _decode_image),
        Finding("CPUs", True, str(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count())),
        _memory(),
        Finding("free disk here", *_at_least(shutil.disk_usage(".").free, GIB)),
        Finding("shared memory for Ray", *_at_least(shutil.disk_usage("/dev/shm").free, GIB // 4), optional=True),
        _gpu(),
        Finding(
            "git", bool(shutil.which("git")), shutil.which("git") or "none: results will not name the commit", True
        ),
    ]


def _package(name: str) -> Finding:
    return _try(name, lambda: (importlib.import_module(name), version(name))[1])


def _try(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except Exception as error:  # whatever is broken about an install is the finding
        return Finding(what, False, f"{type(error).__name__}: {error}")


def _decode_image() -> str:
    from PIL import features

    missing = [name for name in ("jpg", "zlib", "webp") if not features.check(name)]
    if missing:
        raise ValueError(f"Pillow was built without {', '.join(missing)}")
    return "JPEG, PNG, WebP"


def _at_least(found: int, wanted: int) -> tuple[bool, str]:
    enough = "" if found >= wanted else f"; {wanted / GIB:.2g} GiB wanted"
    return found >= wanted, f"{found / GIB:.1f} GiB{enough}"


def _memory() -> Finding:
    return Finding("memory", *_at_least(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), 2 * GIB))


def _gpu() -> Finding:
    if not torch.cuda.is_available():
        return Finding("GPU", False, "none that PyTorch can use; sweeps with gpus: 0 run on the CPU", optional=True)
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return Finding("GPU", True, ", ".join(names))
