"""What trains and judges the nets of a crowd: K of them, of which none has a model of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.data.batches import joined_batches
from bnsweep.models import build_model, layers
from bnsweep.spec import TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.curves import is_logged
from bnsweep.training.evaluation import EVAL_BATCH
from bnsweep.training.fused.evaluation import totals_of_each
from bnsweep.training.fused.step import JoinedTrials
from bnsweep.training.initialization import draw_layer, fill
from bnsweep.training.step import Trial

MAX_AT_ONCE = 16_384
"""Samples of all nets in a forward pass of their evaluation."""
Samples = Iterable[tuple[Tensor, Tensor]]
Score = tuple[float, float | None]


class StepNumbers(NamedTuple):
    """What a step gives, not read yet: (K,) each, gradient norms (K, P)."""

    step: int
    losses: Tensor
    accuracies: Tensor | None
    norms: Tensor | None


class Nets(Protocol):
    """K nets, each with its initial weights at first.

    Attributes:
        at_once: how many samples of each net to judge at once.
    """

    at_once: int

    def steps(self, left: AbstractSet[int]) -> Iterator[StepNumbers]:
        """Make the steps of the nets that are left, one by one; the numbers of others are of no meaning."""
        ...

    def scores(self, samples: Samples, which: Sequence[int], left: AbstractSet[int]) -> list[Score]:
        """Return each net's loss, without label smoothing, and accuracy.

        Args:
            samples: batches (S, B, C, H, W) and their targets (S, B).
            which: of the S each net's.
            left: the nets that are judged.
        """
        ...


class JoinedNets:
    """Nets of any kind, by operations of PyTorch on all of them at once.

    Args:
        specs: of each net.
        members: which of them are trials; the others stand in for none.
        data: what they train on.
    """

    def __init__(self, specs: Sequence[TrialSpec], members: AbstractSet[int], data: Dataset) -> None:
        self._specs, self._data = specs, data
        self._joint = JoinedTrials([Trial(specs[0], data, Compiler())] * len(specs), specs)
        self.at_once = max(1, min(EVAL_BATCH, MAX_AT_ONCE // len(specs)))
        self._begin(members)

    @torch.no_grad()
    def _begin(self, members: AbstractSet[int]) -> None:
        """Give each member its initial weights."""
        some, data = self._specs[0], self._data
        network = build_model(some.model, some.norm, data.input_shape, data.num_classes, noise_seed=0)
        weight_layers, own = [layer for _, layer in layers(network)], list(network.model.parameters())
        slices = [w.detach().chunk(len(self._specs)) for w in self._joint.model.parameters()]
        for slot in members:
            spec = self._specs[slot]
            fill(weight_layers, spec.init, spec.init_gain, spec.seed, _drawn)
            for w, parts in zip(own, slices, strict=True):
                parts[slot].copy_(w)

    def steps(self, left: AbstractSet[int]) -> Iterator[StepNumbers]:
        """Make the steps."""
        del left  # all of them go on
        train, seeds = self._specs[0].train, [spec.seed for spec in self._specs]
        for step, (x, y) in enumerate(joined_batches(self._data, train, seeds)):
            losses, outputs = self._joint.forward_of_all(step, x, y)
            accuracies = None if y.is_floating_point() else (outputs.argmax(1) == y).float().mean(1)
            has_row = is_logged(self._specs[0], step, is_measured=False)
            yield StepNumbers(step, losses, accuracies, self._joint.update(step, has_row))

    @torch.no_grad()
    def scores(self, samples: Samples, which: Sequence[int], left: AbstractSet[int]) -> list[Score]:
        """Return loss and accuracy."""
        del left
        num_samples, parts, index = 0, list[Tensor](), torch.tensor(which, device=self._data.train_x.device)
        for batch, targets in samples:
            num_samples += targets.shape[1]
            x, y = _of_each(batch, index), _of_each(targets, index)
            parts.append(totals_of_each(self._joint.loss, self._joint.outputs(x), y))
        means = (torch.stack(parts).sum(0) / num_samples).tolist()
        return [(each[0], each[1] if len(each) > 1 else None) for each in means]


def _of_each(parts: Tensor, index: Tensor) -> Tensor:
    """Return for each net its part (K, ...) of (S, ...)."""
    return parts[index] if len(parts) > 1 else parts.expand(len(index), *parts.shape[1:])


@lru_cache(maxsize=16)
def _drawn(init: str, seed: int, number: int, shape: torch.Size, num_biases: int) -> tuple[Tensor, Tensor]:
    """Return what `draw_layer` does; neighbours have the same."""
    return draw_layer(init, seed, number, shape, num_biases)
