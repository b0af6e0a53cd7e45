"""Evaluation of K trials at once: what `Evaluator` does of one, of the joined model that stands for all.

Shapes: K members, B samples of each at once, C x H x W of a sample, F outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bnsweep.training.evaluation import EVAL_BATCH, Evaluator, drawn_samples, statistics_indices
from bnsweep.training.losses import TrialLoss

MAX_AT_ONCE = 4_096
"""Samples of all members in a forward pass, which takes memory: part of the semantics, as `EVAL_BATCH` is."""


def totals_of_each(loss: TrialLoss, outputs: Tensor, y: Tensor) -> Tensor:
    """Return each member's loss and, with classes, its number that is right, (K, 2) or (K, 1), float64.

    Args:
        loss: that of the trials.
        outputs: (K, F, B).
        y: targets (K, B).
    """
    sums = [loss.total_of_each(outputs, y).double()]
    if not y.is_floating_point():
        sums.append((outputs.argmax(1) == y).sum(1).double())
    return torch.stack(sums, 1)


@dataclass(frozen=True)
class JointEvaluator(Evaluator):
    """Evaluates a joined model.

    Args:
        seeds: of each member, K of them.
        laid_out: brings samples (K, B, C, H, W) into the form that the joined model takes.
    """

    seeds: tuple[int, ...] = field(kw_only=True)
    laid_out: Callable[[Tensor], Tensor] = field(kw_only=True)

    @property
    def _at_once(self) -> int:
        return max(1, min(EVAL_BATCH, MAX_AT_ONCE // len(self.seeds)))

    def _totals(self, outputs: Tensor, y: Tensor) -> Tensor:
        return totals_of_each(self.loss, outputs, y)

    def _num_samples(self, y: Tensor) -> int:
        return y.shape[1]

    def _test_set(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the test set, the same samples for each member."""
        every = torch.arange(len(self.data.test_y), device=self.data.test_y.device)
        for index in torch.split(every, self._at_once):
            x, y = self.data.standardize(self.data.test_x[index]), self.data.test_y[index]
            yield self.laid_out(self._to_each(x)), self._to_each(y)

    def _train_sample(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each member's own sample of the training set."""
        count = len(self.data.test_y)
        drawn = self._of_each(lambda seed: drawn_samples(self.data, seed, count, "train_sample"))
        for index in torch.split(drawn, self._at_once, 1):
            yield self.laid_out(self._train_x(index)), self.data.train_y[index]

    def _statistics_batches(self) -> Iterator[Tensor]:
        """Yield each member's own mini-batches."""
        indices = self._of_each(lambda seed: torch.stack([*statistics_indices(self.data, self.batch_size, seed)]))
        for index in indices.unbind(1):
            yield self.laid_out(self._train_x(index))

    def _train_x(self, index: Tensor) -> Tensor:
        """Return samples (K, B, C, H, W) of the training set by their numbers (K, B)."""
        x = self.data.standardize(self.data.train_x[index.flatten()])
        return x.view(*index.shape, *x.shape[1:])

    def _to_each(self, same: Tensor) -> Tensor:
        """Return what is the same for each member, (K, ...)."""
        return same.expand(len(self.seeds), *same.shape)

    def _of_each(self, draw: Callable[[int], Tensor]) -> Tensor:
        """Return what is drawn by the seed of each member, (K, ...)."""
        by_seed = {seed: draw(seed) for seed in dict.fromkeys(self.seeds)}
        return torch.stack([by_seed[seed] for seed in self.seeds])
