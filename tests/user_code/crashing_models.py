"""A user's model that may take its worker down, as a bug in native code would."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

BATCH = 32


class Deadly(nn.Module):
    """Kills the process at the first mini-batch of training if asked to, as the kernel does without memory."""

    def __init__(self, deadly: bool) -> None:
        super().__init__()
        self.deadly = deadly

    def forward(self, x: Tensor) -> Tensor:
        if self.deadly and len(x) == BATCH:
            print("about to die", flush=True)  # noqa: T201  as users do
            os.kill(os.getpid(), signal.SIGKILL)
        return x


def net(
    input_shape: tuple[int, int, int], num_classes: int, norm: Callable[..., nn.Module], deadly: bool
) -> nn.Sequential:
    channels, height, width = input_shape
    return nn.Sequential(Deadly(deadly), nn.Flatten(), nn.Linear(channels * height * width, num_classes))


class Hungry(nn.Module):
    """Is short of memory in training, as long as `marker` does not exist; then makes it if `once`. Keeps its error."""

    kept: ClassVar[list[MemoryError]] = []

    def __init__(self, marker: str, once: bool) -> None:
        super().__init__()
        self.marker, self.once = Path(marker), once

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == BATCH and not self.marker.exists():
            if self.once:
                self.marker.touch()
            print("about to run out of memory")  # noqa: T201  as users do
            self.kept[:] = [MemoryError("no more room")]  # as loggers do
            raise self.kept[0]
        return x


def hungry(
    input_shape: tuple[int, int, int],
    num_classes: int,
    norm: Callable[..., nn.Module],
    marker: str,
    once: bool = True,
) -> nn.Sequential:
    channels, height, width = input_shape
    return nn.Sequential(Hungry(marker, once), nn.Flatten(), nn.Linear(channels * height * width, num_classes))


class FirstDiverges(nn.Module):
    """Diverges in the first trial that trains it; makes `under_way` in the middle of any other one."""

    def __init__(self, first: str, under_way: str) -> None:
        super().__init__()
        self.first, self.under_way = Path(first), Path(under_way)
        self.seen, self.is_first = 0, False

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == BATCH:
            self.seen += 1
            if self.seen == 1 and not self.first.exists():
                self.first.touch()
                self.is_first = True
            if self.is_first:  # for some steps more: losses are looked at several at a time
                return x * torch.nan
            if self.seen == 3:
                self.under_way.touch()
        return x


def first_diverges(
    input_shape: tuple[int, int, int], num_classes: int, norm: Callable[..., nn.Module], first: str, under_way: str
) -> nn.Sequential:
    channels, height, width = input_shape
    linear = nn.Linear(channels * height * width, num_classes)
    return nn.Sequential(FirstDiverges(first, under_way), nn.Flatten(), linear)


class LosesTheGpu(nn.Module):
    """Raises what PyTorch does after a failed assertion on the GPU, so many times; notes in `pids-times` where."""

    def __init__(self, pids: str, times: int) -> None:
        super().__init__()
        self.pids, self.times = Path(f"{pids}-{times}"), times

    def forward(self, x: Tensor) -> Tensor:
        before = self.pids.read_text().split() if self.pids.exists() else []
        if len(x) == BATCH and len(before) < self.times:
            self.pids.write_text(" ".join([*before, str(os.getpid())]))
            error = torch.AcceleratorError("CUDA error: device-side assert triggered\nand more lines of advice")
            error.error_code = 710  # type: ignore[attr-defined]  # PyTorch sets it, and does not declare it
            raise error
        return x


def loses_the_gpu(
    input_shape: tuple[int, int, int], num_classes: int, norm: Callable[..., nn.Module], pids: str, times: int
) -> nn.Sequential:
    channels, height, width = input_shape
    return nn.Sequential(LosesTheGpu(pids, times), nn.Flatten(), nn.Linear(channels * height * width, num_classes))


class Hangs(nn.Module):
    """Never comes back from the third mini-batch of training, if asked to; notes in `pids` where."""

    def __init__(self, pids: str, is_hanging: bool) -> None:
        super().__init__()
        self.pids, self.is_hanging, self.seen = Path(pids), is_hanging, 0

    def forward(self, x: Tensor) -> Tensor:
        self.seen += len(x) == BATCH
        if self.is_hanging and self.seen == 3:
            with self.pids.open("a") as file:
                file.write(f"{os.getpid()}\n")
            threading.Event().wait()
        return x


def hangs(
    input_shape: tuple[int, int, int], num_classes: int, norm: Callable[..., nn.Module], pids: str, is_hanging: bool
) -> nn.Sequential:
    channels, height, width = input_shape
    return nn.Sequential(Hangs(pids, is_hanging), nn.Flatten(), nn.Linear(channels * height * width, num_classes))
