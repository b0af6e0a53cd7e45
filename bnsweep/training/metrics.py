"""Metrics of training steps: kept on the device, and read many at a time, since reading waits for the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor

MAX_BUFFERED_STEPS = 25
"""So many more steps at most does a trial train after it diverged; they are forgotten."""


@dataclass(frozen=True)
class StepMetrics:
    """The numbers of one step, made after `step` updates.

    Args:
        step: updates made before it.
        loss: of the mini-batch.
        accuracy: of the mini-batch; None with real targets.
        grad_norm: norm of the gradient; None where it was not taken.
        row: what else the step's row in `curves` has; None where it has no row.
    """

    step: int
    loss: float
    accuracy: float | None
    grad_norm: float | None
    row: dict[str, Any] | None


@dataclass
class BufferedStep:
    """A step whose numbers are still on the device.

    Args:
        step: updates made before it.
        loss: of the mini-batch, a scalar.
        logits: (N, K).
        targets: (N,), or (N, K) where they are real.
        row: what else the step's row in `curves` has; None where it has no row.
        grad_norms: norms of the gradient's tensors, (P,); None where they were not taken.
    """

    step: int
    loss: Tensor
    logits: Tensor
    targets: Tensor
    row: dict[str, Any] | None
    grad_norms: Tensor | None = None


@dataclass
class MetricsBuffer:
    """Steps that were made and not read yet."""

    steps: list[BufferedStep] = field(default_factory=list)

    def append(self, step: BufferedStep) -> None:
        """Add a step; its `grad_norms` may be set until it is read."""
        self.steps.append(step)

    @property
    def is_full(self) -> bool:
        """Whether it is time to read."""
        return len(self.steps) >= MAX_BUFFERED_STEPS

    def drain(self) -> list[StepMetrics]:
        """Return the metrics of the buffered steps, in order, and forget the steps."""
        steps, self.steps = self.steps, []
        return list(_read(steps)) if steps else []


def _read(steps: list[BufferedStep]) -> Iterator[StepMetrics]:
    losses = torch.stack([step.loss for step in steps]).tolist()
    accuracies = _accuracies(steps)
    norms = _grad_norms(steps)
    for step, loss, accuracy in zip(steps, losses, accuracies, strict=True):
        grad_norm = None if step.grad_norms is None else joint_norm(next(norms))
        yield StepMetrics(step.step, loss, accuracy, grad_norm, step.row)


def _grad_norms(steps: list[BufferedStep]) -> Iterator[list[float]]:
    """Yield the norms of each step that has some; a model may train other parameters at some steps."""
    taken = [step.grad_norms for step in steps if step.grad_norms is not None]
    values = iter(torch.cat(taken).tolist() if taken else [])
    return (list(islice(values, len(norms))) for norms in taken)


def _accuracies(steps: list[BufferedStep]) -> list[float] | list[None]:
    if steps[0].targets.is_floating_point():
        return [None] * len(steps)
    hits = torch.stack([step.logits for step in steps]).argmax(2) == torch.stack([step.targets for step in steps])
    accuracies: list[float] = hits.float().mean(1).tolist()
    return accuracies


def joint_norm(norms: list[float]) -> float:
    """Return the norm of what has these norms; NaN where one is, beside an infinite one too."""
    return math.nan if any(map(math.isnan, norms)) else math.hypot(*norms)
