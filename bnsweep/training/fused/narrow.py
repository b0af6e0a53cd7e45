"""Narrow fully connected nets on the CPU: their steps are compiled, see `narrow_kernel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from bnsweep.data import Dataset
from bnsweep.data.batches import joined_batches
from bnsweep.spec import TrainSpec, TrialSpec
from bnsweep.spec.models import MlpSpec
from bnsweep.training.curves import is_logged
from bnsweep.training.evaluation import EVAL_BATCH
from bnsweep.training.fused.nets import Samples, Score, StepNumbers
from bnsweep.training.initialization import draw_layer
from bnsweep.training.schedules import has_constant_lr, lr_at

Floats = NDArray[Any]

MAX_WIDTH = 32
"""Of a layer, the input included: wider ones are faster by PyTorch's products of matrices."""


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


class NarrowNets:
    """Nets of which `is_narrow` holds, of one program; the arguments are those of `JoinedNets`.

    Attributes:
        weights: (K, P), W and b of each layer one behind the other.
    """

    at_once = EVAL_BATCH

    def __init__(self, specs: Sequence[TrialSpec], members: AbstractSet[int], data: Dataset) -> None:
        model, self._train = specs[0].model, specs[0].train
        assert isinstance(model, MlpSpec), "is_narrow"
        self._specs, self._data, self._is_tanh = specs, data, model.activation == "tanh"
        self._sizes = np.array([prod(data.input_shape), *model.widths, data.num_classes])
        self._dtype = np.dtype(np.float64 if self._train.precision == "float64" else np.float32)
        self.weights = np.zeros((len(specs), sum(a * b + b for a, b in pairwise(self._sizes))), self._dtype)
        draws = dict[tuple[str, int], list[int]]()
        for slot in members:
            draws.setdefault((specs[slot].init, specs[slot].seed), []).append(slot)
        for (init, seed), slots in draws.items():
            gains = np.array([[specs[slot].init_gain] for slot in slots], np.float32)
            self.weights[slots] = _initial(init, seed, gains, self._sizes)

    def steps(self, left: AbstractSet[int]) -> Iterator[StepNumbers]:
        """Make the steps."""
        from bnsweep.training.fused.narrow_kernel import step as make_step  # Numba takes half a second

        train, specs, count, dtype = self._train, self._specs, len(self._specs), self._dtype
        each = list(dict.fromkeys(spec.seed for spec in specs))
        which = np.array([each.index(spec.seed) for spec in specs])
        velocities = np.zeros_like(self.weights)
        momenta = np.array([spec.train.momentum for spec in specs], dtype)
        decays = np.array([spec.train.weight_decay for spec in specs], dtype)
        lrs = np.array([spec.lr for spec in specs], dtype)
        has_schedule = not all(has_constant_lr(spec.train) for spec in specs)
        for step, (x, y) in enumerate(joined_batches(self._data, train, each)):
            if has_schedule:
                lrs = np.array([lr_at(step, spec.lr, spec.train) for spec in specs], dtype)
            targets, labels = self._targets(y, train.label_smoothing)
            losses, hits = np.full(count, np.nan, dtype), np.zeros(count, np.int64)
            norms = np.zeros((count, 2 * len(self._sizes) - 2), dtype)
            make_step(
                self.weights,
                velocities,
                self._sizes,
                _features(x),
                targets,
                labels,
                which,
                self._mask(left),
                self._is_tanh,
                train.loss == "cross_entropy",
                dtype.type(_scale(train, self._data.num_classes)),
                lrs,
                momenta,
                decays,
                train.nesterov,
                losses,
                hits,
                norms,
            )
            accuracies = torch.from_numpy(hits).float() / train.batch_size if labels.size else None
            has_row = is_logged(specs[0], step, is_measured=False)
            yield StepNumbers(step, torch.from_numpy(losses), accuracies, torch.from_numpy(norms) if has_row else None)

    def scores(self, samples: Samples, which: Sequence[int], left: AbstractSet[int]) -> list[Score]:
        """Return loss and accuracy."""
        from bnsweep.training.fused.narrow_kernel import judge

        count, num_samples, has_classes = len(self._specs), 0, True
        losses, hits = np.zeros(count), np.zeros(count, np.int64)
        for x, y in samples:
            targets, labels = self._targets(y, smoothing=0.0)
            num_samples, has_classes = num_samples + y.shape[1], bool(labels.size)
            judge(
                self.weights,
                self._sizes,
                _features(x),
                targets,
                labels,
                np.array(which),
                self._mask(left),
                self._is_tanh,
                self._train.loss == "cross_entropy",
                losses,
                hits,
            )
        losses *= _scale(self._train, self._data.num_classes) * self._train.batch_size / num_samples
        accuracies = hits / num_samples
        pairs = zip(losses.tolist(), accuracies.tolist(), strict=True)
        return [(loss, accuracy if has_classes else None) for loss, accuracy in pairs]

    def _mask(self, left: AbstractSet[int]) -> NDArray[np.bool_]:
        mask = np.zeros(len(self._specs), np.bool_)
        mask[list(left)] = True
        return mask

    def _targets(self, y: Tensor, smoothing: float) -> tuple[Floats, NDArray[np.int64]]:
        """Return what outputs should be, (S, O, B), and the classes (S, B), of no samples where targets are real."""
        if y.is_floating_point():
            targets, labels = y, np.empty((len(y), 0), np.int64)
        else:
            one_hot = F.one_hot(y, self._data.num_classes).double()
            targets, labels = one_hot * (1 - smoothing) + smoothing / self._data.num_classes, y.numpy()
        return np.ascontiguousarray(targets.transpose(1, 2).numpy(), self._dtype), labels


def _initial(init: str, seed: int, gains: Floats, sizes: NDArray[np.int64]) -> Floats:
    """Return initial weights (N, P) of the gains (N, 1), as `initialize` draws them."""
    parts = list[Floats]()
    for number, (inputs, outputs) in enumerate(pairwise(sizes.tolist())):
        weight, bias = draw_layer(init, seed, number, torch.Size((outputs, inputs)), outputs)
        parts += [weight.flatten().numpy() * gains, np.broadcast_to(bias.numpy(), (len(gains), outputs))]
    return np.concatenate(parts, 1)


def _features(x: Tensor) -> Floats:
    """Return samples (S, B, C, H, W) as (S, I, B)."""
    return x.flatten(2).transpose(1, 2).contiguous().numpy()


def _scale(train: TrainSpec, num_outputs: int) -> float:
    """Return what the sum of the loss over samples and outputs of a mini-batch is multiplied by."""
    if train.loss == "cross_entropy":
        return 1 / train.batch_size
    return 1 / (train.batch_size * num_outputs) if train.mse_reduction == "mean" else 1.0
