"""Why PyTorch finds no GPU here, in words: which of driver, container and environment lacks what, and what to do.

The kernel says which driver is loaded, in a container too, which sees the machine's /proc but only the devices that it
was given. Sources: NVIDIA, "Minor Version Compatibility", table 1, docs.nvidia.com/deploy/cuda-compatibility; NVIDIA
Container Toolkit, "Specialized Configurations with Docker".
"""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

import torch

from bnsweep.error_texts import first_line

ROOT = Path("/")
MIN_DRIVERS = {11: 450, 12: 525, 13: 580}
"""By CUDA's major version, the first branch of the NVIDIA driver that its programs run on."""
VERSION = re.compile(r"(?:Kernel Module|Module for \S+)\s+(\d+)\.([\d.]+)")


def why_no_gpu(root: Path = ROOT) -> str | None:
    """Return why PyTorch finds no GPU; None where it finds one.

    Args:
        root: where proc/driver/nvidia and dev are looked up.
    """
    if torch.cuda.is_available():
        return None
    if torch.version.cuda is None:
        return "this PyTorch was built without CUDA; install the one in requirements.lock"
    driver = _loaded_driver(root)
    if driver is None:
        return "no NVIDIA driver is loaded on this machine: it has no GPU, or `nvidia-smi` fails too"
    needed = MIN_DRIVERS.get(int(torch.version.cuda.partition(".")[0]), 0)
    if int(driver.partition(".")[0]) < needed:
        return (
            f"its NVIDIA driver {driver} is too old: this PyTorch's CUDA {torch.version.cuda} needs {needed} or newer; "
            "update the driver, or take a machine image that has one"
        )
    return f"its NVIDIA driver {driver} is new enough, but {_what_hides_it(root)}"


def _loaded_driver(root: Path) -> str | None:
    """Return the version of the driver that the kernel has loaded."""
    try:
        found = VERSION.search((root / "proc/driver/nvidia/version").read_text())
    except OSError:
        return None
    return f"{found[1]}.{found[2]}" if found else None


def _what_hides_it(root: Path) -> str:
    """Return what stands between a driver that works and this process."""
    if not [path for path in (root / "dev").glob("nvidia*") if path.name[6:].isdecimal()]:
        return (
            "this container was not given its GPU: `docker run` needs --gpus all, or --runtime=nvidia and "
            "NVIDIA_VISIBLE_DEVICES=all; a pod needs nvidia.com/gpu among its limits"
        )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and not visible.strip(" -1"):
        return f"CUDA_VISIBLE_DEVICES={visible} hides it"
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "libcuda.so.1 is not found: a container needs NVIDIA_DRIVER_CAPABILITIES=compute,utility"
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]  # torch's
    except (RuntimeError, AssertionError) as error:
        return f"CUDA does not start: {first_line(error)}"
    return "CUDA counts no device"
