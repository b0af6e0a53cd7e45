"""What is trained: the models, and trials of one program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnsweep.spec import TrialSpec

PLANE = {"name": "gaussian", "samples": 272, "test_samples": 272, "dimension": 2, "num_classes": 2}
IMAGES = {"name": "benchmarks.fusion.models:images"}
FULL_WIDTH = [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"]


@dataclass(frozen=True)
class Program:
    """What trials share: a model, its data, and how many steps of it are timed."""

    model: dict[str, Any]
    dataset: dict[str, Any] = field(default_factory=lambda: {"name": "digits"})
    train: dict[str, Any] = field(default_factory=dict)
    steps: int = 28


PROGRAMS = {
    "mlp [64, 64]": Program({"name": "mlp", "widths": [64, 64]}),
    "deep_linear, 25 layers": Program(
        {"name": "deep_linear", "widths": [10] * 24}, {"name": "gaussian"}, {"loss": "mse"}
    ),
    "tanh net of width 16, 272 samples": Program(
        {"name": "mlp", "widths": [16], "activation": "tanh"}, PLANE, {"batch_size": 272, "loss": "mse"}
    ),
    "small VGG, 8x8": Program({"name": "vgg", "widths": [16, "M", 32, "M", 64]}),
    "small VGG, 32x32": Program({"name": "vgg", "widths": [16, "M", 32, "M", 64]}, IMAGES, steps=6),
    "resnet20 of width 8, 8x8": Program({"name": "resnet", "depth": 20, "width": 8}, steps=12),
    "VGG-13, 32x32": Program({"name": "vgg", "widths": FULL_WIDTH}, IMAGES, steps=3),
    "transformer, 8x8": Program({"name": "transformer"}),
}
"""By name; VGG-13 takes a GPU to be of any use."""
ON_A_GPU = {"VGG-13, 32x32"}


def trials(program: Program, norm: str, count: int, steps: int, is_measured: bool = False) -> Iterator[TrialSpec]:
    """Yield trials of one program that differ in learning rate, seed and gain, and train as one.

    Args:
        program: what they share.
        norm: the normalization mode, which they share too.
        count: how many.
        steps: of each; a row of `curves` for every tenth.
        is_measured: whether three evaluations and as many measurements of each probe but of curvature are made among so
            many steps.
    """
    often = max(1, steps // 3)
    probes = {name: {"every": often} for name in ("landscape", "ics", "moments", "layers")}
    for k in range(count):
        yield TrialSpec.model_validate(
            {
                "dataset": program.dataset,
                "model": program.model,
                "norm": norm,
                "init": "kaiming_normal",
                "init_gain": 0.5 + k / count,
                "lr": 1e-3 * (1 + k),
                "seed": k,
                "train": {
                    "steps": steps,
                    "log_every": 10,
                    "eval_every": often if is_measured else None,
                    "fuse": count,
                    **program.train,
                },
                "probes": probes if is_measured else {},
            }
        )


def images(count: int = 1024) -> tuple[NDArray[Any], ...]:
    """Return images of CIFAR-10's shape that mean nothing, and their classes: those to train on, and to test on."""
    rng = np.random.default_rng(0)
    parts = (
        (rng.integers(0, 255, (n, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, n)) for n in (count, count // 8)
    )
    return tuple(array for part in parts for array in part)
