"""The losses, by name: what a trial minimizes, and what it is judged by.

Shapes: N samples, K outputs, which are logits where there are classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.spec import TrainSpec


class TrialLoss(Protocol):
    """A trial's loss, at the scale of its own mini-batches, whatever the number of samples that it is asked of."""

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss that is minimized on a mini-batch, a scalar, of outputs (N, K) and targets."""
        ...

    def of_each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each of M models on its own mini-batch, (M,), of outputs (M, K, N) and targets (M, N)."""
        ...

    def of_samples(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the same on any number of samples: what a mini-batch of training's size would have on average."""
        ...

    def total(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return N times the loss that samples are judged by: as `of_samples`, without label smoothing."""
        ...

    def total_of_each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the same of each of M models, (M,), of outputs (M, K, N) and targets (M, N)."""
        ...


class CrossEntropy:
    """Mean over samples of -log softmax(outputs)_y (nats), with targets y (N,).

    Smoothed by s the target is (1 - s) at y plus s/K at each class (Szegedy et al. 2016, "Rethinking the Inception
    architecture for computer vision", section 7). Samples are judged without.
    """

    def __init__(self, train: TrainSpec) -> None:
        self.label_smoothing = train.label_smoothing

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of a mini-batch."""
        return F.cross_entropy(outputs, y, label_smoothing=self.label_smoothing)

    def of_each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each model."""
        return F.cross_entropy(outputs, y, reduction="none", label_smoothing=self.label_smoothing).mean(1)

    def of_samples(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the same: it is a mean."""
        return self(outputs, y)

    def total(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the sum of the cross-entropies."""
        return F.cross_entropy(outputs, y, reduction="sum")

    def total_of_each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the sum of each model."""
        return F.cross_entropy(outputs, y, reduction="none").sum(1)


class SquaredError:
    """Squares of outputs less targets: their mean over samples and outputs, or their sum over the mini-batch.

    Targets are real, (N, K), or classes (N,), which stand for one-hot vectors. The sum is what Santurkar et al. 2018
    minimize over a deep linear network: it grows with the mini-batch. So elsewhere it is the mean over samples of the
    sum over outputs, times the size of training's mini-batch.
    """

    def __init__(self, train: TrainSpec) -> None:
        self.reduction, self.batch_size = train.mse_reduction, train.batch_size

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of a mini-batch."""
        return F.mse_loss(outputs, as_outputs(y, outputs), reduction=self.reduction)

    def of_each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each model; real targets are (M, N, K)."""
        squares = _squares_of_each(outputs, y)
        return squares.mean((1, 2)) if self.reduction == "mean" else squares.sum((1, 2))

    def of_samples(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return what a mini-batch of training's size would have on average."""
        loss = self(outputs, y)
        return loss if self.reduction == "mean" else loss * (self.batch_size / len(y))

    def total(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return N times that."""
        squares = F.mse_loss(outputs, as_outputs(y, outputs), reduction="sum")
        return squares * (1 / outputs.shape[1] if self.reduction == "mean" else self.batch_size)

    def total_of_each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the same of each model."""
        squares = _squares_of_each(outputs, y).sum((1, 2))
        return squares * (1 / outputs.shape[1] if self.reduction == "mean" else self.batch_size)


def _squares_of_each(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the squared errors (M, K, N) of M models, of targets (M, N) or (M, N, K)."""
    targets = y if y.is_floating_point() else F.one_hot(y, outputs.shape[1])
    return F.mse_loss(outputs, targets.to(outputs.dtype).transpose(1, 2), reduction="none")


def as_outputs(y: Tensor, outputs: Tensor) -> Tensor:
    """Return targets as outputs (N, K) would have to be: real ones as they are, classes (N,) one-hot."""
    return y.to(outputs.dtype) if y.is_floating_point() else F.one_hot(y, outputs.shape[1]).to(outputs.dtype)


def constant_loss(loss: TrialLoss, data: Dataset) -> float | None:
    """Return the test loss of a model that always gives the mean of the real targets to train on; None with classes.

    So 1 less the test loss over this one is the share of the targets' variance that is explained, R^2.
    """
    if not data.has_real_targets:
        return None
    mean = data.train_y.double().mean(dim=0)
    return loss.total(mean.expand(len(data.test_y), -1), data.test_y).item() / len(data.test_y)


class InFloat32:
    """A loss of outputs in bfloat16, taken in float32: a sum of rounded terms would say little."""

    def __init__(self, loss: TrialLoss) -> None:
        self.loss = loss

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of a mini-batch."""
        return self.loss(outputs.float(), y)

    def of_each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each model."""
        return self.loss.of_each(outputs.float(), y)

    def of_samples(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the same on any number of samples."""
        return self.loss.of_samples(outputs.float(), y)

    def total(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return N times what samples are judged by."""
        return self.loss.total(outputs.float(), y)

    def total_of_each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the same of each model."""
        return self.loss.total_of_each(outputs.float(), y)


LOSSES: dict[str, Callable[[TrainSpec], TrialLoss]] = {"cross_entropy": CrossEntropy, "mse": SquaredError}
"""Every loss of the sweep file by name."""


def make_loss(train: TrainSpec) -> TrialLoss:
    """Return the trial's loss."""
    loss = LOSSES[train.loss](train)
    return InFloat32(loss) if train.precision == "bf16" else loss
