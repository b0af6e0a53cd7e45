"""What training steps give as numbers: kept on the device, and read many at a time, since reading waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

BUFFER_STEPS = 25
"""Steps. So many more at most does a trial train after it diverged; they are forgotten."""


@dataclass(frozen=True)
class StepMetrics:
    """One step, made after `step` updates; `row` is what else its row in `curves` has, None where it has none."""

    step: int
    loss: float
    accuracy: float
    grad_norm: float | None
    row: dict[str, Any] | None


@dataclass
class _Kept:
    step: int
    loss: Tensor
    logits: Tensor
    targets: Tensor
    row: dict[str, Any] | None
    grad_norm: Tensor | None = None


@dataclass
class MetricsBuffer:
    """Steps that were made and not read yet."""

    _kept: list[_Kept] = field(default_factory=list)

    def keep(self, step: int, loss: Tensor, logits: Tensor, targets: Tensor, row: dict[str, Any] | None) -> None:
        """Keep a step: its loss, a scalar, its logits (N, K) and targets (N,)."""
        self._kept.append(_Kept(step, loss.detach(), logits.detach(), targets, row))

    def keep_grad_norm(self, grad_norm: Tensor) -> None:
        """Add the norm of the gradient, a scalar, to the last step that was kept."""
        self._kept[-1].grad_norm = grad_norm

    @property
    def is_full(self) -> bool:
        """Whether it is time to read."""
        return len(self._kept) >= BUFFER_STEPS

    def read(self) -> Iterator[StepMetrics]:
        """Yield the steps kept, in order, and forget them."""
        kept, self._kept = self._kept, []
        if not kept:
            return
        losses = torch.stack([one.loss for one in kept]).tolist()
        hits = torch.stack([one.logits for one in kept]).argmax(2) == torch.stack([one.targets for one in kept])
        accuracies = hits.float().mean(1).tolist()
        norms = iter(_values([one.grad_norm for one in kept if one.grad_norm is not None]))
        for one, loss, accuracy in zip(kept, losses, accuracies, strict=True):
            yield StepMetrics(one.step, loss, accuracy, None if one.grad_norm is None else next(norms), one.row)


def _values(scalars: list[Tensor]) -> list[float]:
    values: list[float] = torch.stack(scalars).tolist() if scalars else []
    return values
