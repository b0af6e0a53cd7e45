"""Narrow fully connected nets on the CPU: their steps are compiled, see `narrow_kernel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from math import prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bnsweep.data import Dataset
from bnsweep.data.batches import joined_batches
from bnsweep.spec import TrainSpec, TrialSpec
from bnsweep.spec.models import MlpSpec
from bnsweep.training.fused.parts import by_member
from bnsweep.training.schedules import has_constant_lr, lr_at

MAX_WIDTH = 32
"""Of a layer, the input included: wider ones are faster by PyTorch's products of matrices."""

Steps = Iterator[tuple[Tensor, Tensor | None, Tensor]]


def is_narrow(spec: TrialSpec, data: Dataset) -> bool:
    """Return whether the steps of such trials are compiled."""
    train = spec.train
    return (
        isinstance(spec.model, MlpSpec)
        and spec.norm == "none"
        and max(*spec.model.widths, prod(data.input_shape), data.num_classes) <= MAX_WIDTH
        and train.optimizer == "sgd"
        and train.clip_norm is None
        and train.precision != "bf16"
        and data.train_x.device.type == "cpu"
    )


@torch.no_grad()
def narrow_steps(
    parameters: Sequence[nn.Parameter], specs: Sequence[TrialSpec], data: Dataset, left: AbstractSet[int]
) -> Steps:
    """Train K nets, and yield what each step gives: losses (K,), accuracies (K,), gradient norms (K, P).

    Args:
        parameters: of all nets, W and b of each layer, (K n, ...) each; they are moved when the last step is made.
        specs: theirs.
        data: what they train on.
        left: which of them go on; what others give is of no meaning.
    """
    from bnsweep.training.fused.narrow_kernel import step as make_step  # Numba takes half a second

    train, count, each = specs[0].train, len(specs), list(dict.fromkeys(spec.seed for spec in specs))
    views = [by_member(w, 0, count).flatten(1) for w in parameters]
    joint = torch.cat(views, 1)
    weights, dtype = joint.numpy(), joint.numpy().dtype
    velocities = np.zeros_like(weights)
    sizes = np.array([prod(data.input_shape), *(w.shape[0] // count for w in parameters[1::2])])
    batch_of = np.array([each.index(spec.seed) for spec in specs])
    momenta = np.array([spec.train.momentum for spec in specs], dtype)
    decays = np.array([spec.train.weight_decay for spec in specs], dtype)
    lrs = np.array([spec.lr for spec in specs], dtype)
    has_schedule = not all(has_constant_lr(spec.train) for spec in specs)
    is_tanh = isinstance(specs[0].model, MlpSpec) and specs[0].model.activation == "tanh"
    for step, (x, y) in enumerate(joined_batches(data, train, each)):
        if has_schedule:
            lrs = np.array([lr_at(step, spec.lr, spec.train) for spec in specs], dtype)
        targets, labels = _targets(y, data.num_classes, train, joint.dtype)
        losses, hits = np.full(count, np.nan, dtype), np.zeros(count, np.int64)
        norms = np.zeros((count, len(views)), dtype)
        make_step(
            weights,
            velocities,
            sizes,
            x.flatten(2).transpose(1, 2).contiguous().numpy(),
            targets.transpose(1, 2).contiguous().numpy(),
            labels.numpy(),
            batch_of,
            np.array([slot in left for slot in range(count)]),
            is_tanh,
            train.loss == "cross_entropy",
            dtype.type(_scale(train, data.num_classes)),
            lrs,
            momenta,
            decays,
            train.nesterov,
            losses,
            hits,
            norms,
        )
        of_samples = torch.from_numpy(hits).float() / train.batch_size if labels.numel() else None
        yield torch.from_numpy(losses), of_samples, torch.from_numpy(norms)
    for w, part in zip(parameters, torch.split(joint, [view.shape[1] for view in views], 1), strict=True):
        w.copy_(part.reshape(w.shape))


def _targets(y: Tensor, num_outputs: int, train: TrainSpec, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return what outputs should be, (S, B, O), and the classes (S, B), of no samples where targets are real."""
    if y.is_floating_point():
        return y.to(dtype), torch.empty((len(y), 0), dtype=torch.int64)
    one_hot = F.one_hot(y, num_outputs).to(dtype)
    smoothing = train.label_smoothing if train.loss == "cross_entropy" else 0.0
    return one_hot * (1 - smoothing) + smoothing / num_outputs, y


def _scale(train: TrainSpec, num_outputs: int) -> float:
    """Return what the sum over a mini-batch is multiplied by."""
    if train.loss == "cross_entropy":
        return 1 / train.batch_size
    return 1 / (train.batch_size * num_outputs) if train.mse_reduction == "mean" else 1.0
