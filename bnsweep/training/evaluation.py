"""Evaluation: loss and accuracy in eval mode, with normalization statistics taken anew and with the running ones.

The running statistics of training lag behind the weights, and `noisy_batch` gathers them while its noise shifts what
later layers see, which evaluation does without. So they are taken again for the weights as they are: the mean, with
equal weights, over mini-batches of the training set, everything but the normalizations in eval mode.

Source: Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3 (precise batch normalization).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bnsweep.data import Dataset
from bnsweep.data.batches import batch_indices
from bnsweep.norm import averaging, running_norms
from bnsweep.norm.running import RunningNorm
from bnsweep.probes.attributes import Attributes
from bnsweep.probes.autocast import forward_in
from bnsweep.probes.in_force import without_old_checkpoints
from bnsweep.rng import derive, seeded
from bnsweep.training.losses import TrialLoss

EVAL_BATCH = 500
"""Samples per forward pass of an evaluation: part of the semantics, since it moves the last bits of a mean."""
STATISTICS_BATCHES = 20
"""Mini-batches that statistics are taken over, fewer where an epoch has fewer: part of the semantics as well."""


class Score(NamedTuple):
    """Loss, at the scale of training's mini-batches and without label smoothing, and accuracy on some samples.

    The latter is None with real targets.
    """

    loss: float
    accuracy: float | None


class Sums(NamedTuple):
    """What is added up over some samples: of each batch the loss and, with classes, the number that is right.

    Tensors of shape (K, 2) or (K, 1), float64, of K models.
    """

    parts: list[Tensor]
    num_samples: int


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation gives.

    Args:
        test: on the test set, with statistics taken anew: what is judged.
        test_running: on the test set, with the running statistics of training; equal to `test` where there are none.
        train: on a sample of the training set, with statistics taken anew; None where it was not asked for.
    """

    test: Score
    test_running: Score
    train: Score | None

    def test_columns(self) -> dict[str, float | None]:
        """Return what a row of `curves` has of it."""
        (loss, acc), (loss_running, acc_running) = self.test, self.test_running
        return {
            "test_loss": loss,
            "test_acc": acc,
            "test_loss_running": loss_running,
            "test_acc_running": acc_running,
        }


@dataclass(frozen=True)
class Evaluator:
    """Evaluates models on the device that holds `data`.

    It leaves no trace in the model, of which buffers, train/eval flags and momenta are put back bit for bit, nor in the
    global random streams: what a model draws in eval mode comes from a stream of the evaluation's own.

    Args:
        data: what the model trains and is tested on.
        loss: that of the trial.
        batch_size: samples of a mini-batch that statistics are taken over: that of training, on which the statistics of
            some modes depend.
        seed: of the trial; fixes those mini-batches, and the sample of the training set.
        precision: in which forwards run, as in training.
    """

    data: Dataset
    loss: TrialLoss
    batch_size: int
    seed: int
    precision: str = "float32"

    def __call__(self, model: nn.Module, with_train: bool = False) -> Evaluation:
        """Return how good the model is on the test set, and `with_train` on the sample of the training set."""
        (only,) = self.of_each(model, with_train)
        return only

    def of_each(self, model: nn.Module, with_train: bool = False) -> list[Evaluation]:
        """Return the same of each model that `model` stands for."""
        with self._without_trace(model) as norms:
            sums = [self._sums(model, self._test_set())]
            if norms:
                self._take_statistics(model, norms)
                sums.append(self._sums(model, self._test_set()))
            of_each = _scores([*sums, self._sums(model, self._train_sample())] if with_train else sums)
        return [Evaluation(own[len(sums) - 1], own[0], own[-1] if with_train else None) for own in of_each]

    @contextmanager
    def as_judged(self, model: nn.Module) -> Iterator[None]:
        """Put the model, within the block, into eval mode with statistics taken anew."""
        with self._without_trace(model) as norms:
            if norms:
                self._take_statistics(model, norms)
            yield

    @contextmanager
    def _without_trace(self, model: nn.Module) -> Iterator[Sequence[RunningNorm]]:
        """Put the model into eval mode within the block; yield those of its normalizations that train."""
        norms = running_norms(model)
        rng = seeded(derive(self.seed, "evaluation"), self.data.train_x.device)
        attributes = Attributes.of(model.modules())
        try:
            with rng, _copied_buffers(model), _eval_mode(model):
                yield norms
        finally:
            attributes.put_back()

    def _sums(self, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> Sums:
        """Return what is to be added up over these samples, on the device."""
        parts, count = list[Tensor](), 0
        for x, y in batches:
            with forward_in(self.precision, x.device):
                outputs = model(x)
            parts.append(self._totals(outputs, y))
            count += self._num_samples(y)
        return Sums(parts, count)

    def _totals(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return what a batch adds to `Sums.parts`."""
        total = self.loss.total(outputs, y)
        sums = [total] if self.data.has_real_targets else [total, (outputs.argmax(1) == y).sum()]
        return torch.stack([each.double() for each in sums])[None]

    def _num_samples(self, y: Tensor) -> int:
        return len(y)

    def _take_statistics(self, model: nn.Module, norms: Sequence[RunningNorm]) -> None:
        """Put statistics of the model as it is in the place of the running ones; it is in eval mode."""
        _set_training(norms, True)
        with averaging(norms):
            for x in self._statistics_batches():
                with forward_in(self.precision, x.device):
                    model(x)
        _set_training(norms, False)

    def _statistics_batches(self) -> Iterator[Tensor]:
        """Yield the mini-batches (B, C, H, W) that statistics are taken over."""
        for index in statistics_indices(self.data, self.batch_size, self.seed):
            yield self.data.standardize(self.data.train_x[index])

    def sample(self, count: int, stream: str) -> tuple[Tensor, Tensor]:
        """Return so many samples of the training set (N, C, H, W) and their labels (N,), all where there are fewer.

        They are the same for each trial of a seed.
        """
        index = self._drawn(count, stream)
        return self.data.standardize(self.data.train_x[index]), self.data.train_y[index]

    def _drawn(self, count: int, stream: str) -> Tensor:
        """Return the numbers (count,) of so many samples of the training set, all where there are fewer."""
        return drawn_samples(self.data, self.seed, count, stream)

    def _test_set(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield samples (B, C, H, W) and labels (B,) of the test set."""
        for start in range(0, len(self.data.test_y), EVAL_BATCH):
            part = slice(start, start + EVAL_BATCH)
            yield self.data.standardize(self.data.test_x[part]), self.data.test_y[part]

    def _train_sample(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield as many samples of the training set as the test set has, or all; the same for each trial of a seed."""
        for index in torch.split(self._drawn(len(self.data.test_y), "train_sample"), EVAL_BATCH):
            yield self.data.standardize(self.data.train_x[index]), self.data.train_y[index]


def drawn_samples(data: Dataset, seed: int, count: int, stream: str) -> Tensor:
    """Return the numbers (count,) of so many samples of the training set, all where there are fewer."""
    generator = torch.Generator().manual_seed(derive(seed, stream))
    order = torch.randperm(len(data.train_y), generator=generator)
    return order[:count].to(data.train_y.device)


def statistics_indices(data: Dataset, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Yield the numbers (B,) of the samples of each mini-batch that statistics are taken over."""
    num_samples, stream = len(data.train_y), derive(seed, "statistics")
    num_batches = min(STATISTICS_BATCHES, num_samples // batch_size)
    return batch_indices(num_samples, batch_size, num_batches, stream, data.train_x.device)


def _scores(sums: Sequence[Sums]) -> list[list[Score]]:
    """Read the sums, all at once, since reading waits for the device; return those of each model."""
    numbers = torch.stack([part for each in sums for part in each.parts], 1).tolist()
    return [_scores_of_one(iter(own), sums) for own in numbers]


def _scores_of_one(numbers: Iterator[list[float]], sums: Sequence[Sums]) -> list[Score]:
    return [_score(list(islice(numbers, len(each.parts))), each.num_samples) for each in sums]


def _score(parts: Iterable[list[float]], count: int) -> Score:
    loss, *accuracy = (sum(values) / count for values in zip(*parts, strict=True))
    return Score(loss, *(accuracy or [None]))


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    """Put the model into eval mode, without gradients, and all its flags back afterwards."""
    flags = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad(), without_old_checkpoints():
            model.eval()
            yield
    finally:
        model.train(flags[0][1])  # for a model that does more than set flags
        for module, is_training in flags:
            module.training = is_training


@contextmanager
def _copied_buffers(model: nn.Module) -> Iterator[None]:
    """Give the model copies of its buffers, and its own back afterwards."""
    modules = list(model.modules())
    held = [
        (module, *named) for module in modules for named in module.named_buffers(recurse=False, remove_duplicate=False)
    ]
    copies = {id(buffer): buffer.clone() for _, _, buffer in held}
    try:
        for module, name, buffer in held:
            setattr(module, name, copies[id(buffer)])
        yield
    finally:
        for module, name, buffer in held:
            setattr(module, name, buffer)


def _set_training(norms: Iterable[nn.Module], is_training: bool) -> None:
    for norm in norms:
        norm.training = is_training
