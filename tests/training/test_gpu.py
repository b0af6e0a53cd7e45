"""Why there is no GPU, told from what a machine, or a container on it, shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from bnsweep.training.gpu import MIN_DRIVERS, why_no_gpu

OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  (dvs-builder)  Tue Aug 12 2026\n"
CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {}  Wed May 14 2026\nGCC version:  gcc version 12.3.0\n"
NEEDED = MIN_DRIVERS[int(str(torch.version.cuda).split(".")[0])]


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that these hold on a machine with one, too."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine with a driver that is new enough, and its GPU."""
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "dev").mkdir()
    for device in ("nvidia0", "nvidiactl", "nvidia-uvm"):
        (tmp_path / "dev" / device).touch()
    return with_driver(tmp_path, OPEN, f"{NEEDED}.65.06")


def with_driver(root: Path, text: str, version: str) -> Path:
    (root / "proc/driver/nvidia/version").write_text(text.format(version))
    return root


def reason(root: Path) -> str:
    found = why_no_gpu(root)
    assert found is not None
    return found


def test_a_machine_without_a_driver(tmp_path: Path) -> None:
    assert "no NVIDIA driver is loaded" in reason(tmp_path)


@pytest.mark.parametrize("text", [OPEN, CLOSED], ids=["open", "closed"])
def test_a_driver_older_than_the_locked_cuda_needs(machine: Path, text: str) -> None:
    told = reason(with_driver(machine, text, f"{NEEDED - 1}.172.08"))
    assert f"driver {NEEDED - 1}.172.08 is too old" in told
    assert f"CUDA {torch.version.cuda} needs {NEEDED} or newer" in told


@pytest.mark.parametrize("version", [f"{NEEDED}.65.06", f"{NEEDED + 20}.1"])
def test_a_container_that_was_not_given_its_gpu(machine: Path, version: str) -> None:
    (machine / "dev/nvidia0").unlink()
    told = reason(with_driver(machine, OPEN, version))
    assert told.startswith(f"its NVIDIA driver {version} is new enough, but this container was not given its GPU")
    assert "--gpus all" in told


@pytest.mark.parametrize("visible", ["", "-1"])
def test_an_environment_that_hides_it(machine: Path, monkeypatch: pytest.MonkeyPatch, visible: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert f"CUDA_VISIBLE_DEVICES={visible} hides it" in reason(machine)


def test_a_container_without_the_drivers_libraries(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert re.search(r"libcuda\.so\.1 is not found: .*NVIDIA_DRIVER_CAPABILITIES=compute,utility", reason(machine))
