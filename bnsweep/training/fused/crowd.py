"""Many short trials of one program of which nothing is measured on the way: none has a model of its own.

What `FusedTraining` does for each member, at each step, is done for all of them at once here: what is left for a trial
by itself is to begin, to diverge, a row of `curves` where there is one, and to end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.probes.state import NotPlain
from bnsweep.spec import TrialSpec
from bnsweep.spec.trial import BATCH_STATISTICS
from bnsweep.training.curves import is_logged, logs_end, row_of_step
from bnsweep.training.evaluation import drawn_samples
from bnsweep.training.fused.clock import SharedClock
from bnsweep.training.fused.narrow import NarrowNets, is_narrow
from bnsweep.training.fused.nets import JoinedNets, Nets, StepNumbers
from bnsweep.training.metrics import MAX_BUFFERED_STEPS, joint_norm
from bnsweep.training.precision import held_in
from bnsweep.training.record import mean, result_on
from bnsweep.training.result import TrialResult, divergence

MAX_STEPS = 1000
"""Trials of more are saved on the way, which a crowd is not."""


def is_crowd(spec: TrialSpec) -> bool:
    """Return whether trials of the program of `spec` train as a crowd."""
    is_measured = spec.probes.sections or spec.probes.flatness is not None or spec.train.eval_every
    return not is_measured and spec.norm not in BATCH_STATISTICS and spec.train.steps <= MAX_STEPS


class Member:
    """A trial of a crowd, as far as others look at it."""

    def __init__(self, spec: TrialSpec, data: Dataset, result: TrialResult) -> None:
        self.spec, self.data, self.result = spec, data, result
        self.device, self.wall_time_s = data.train_x.device, 0.0


class Crowd:
    """Trials under way, by slot.

    Attributes:
        members: each with its result.
        errors: none.
        left: the slots of the trials that have not ended.
    """

    def __init__(self, specs: Mapping[int, TrialSpec], data: Dataset) -> None:
        (some, *_) = specs.values()
        self._clock = SharedClock(len(specs))
        self._data, self._train = held_in(data, some.train.precision), some.train
        self._logs_end = logs_end(some)
        self.members = {slot: Member(spec, data, TrialResult(None)) for slot, spec in specs.items()}
        result = result_on(self._data, some)
        for member in self.members.values():
            member.result.num_classes = result.num_classes
            member.result.test_loss_constant = result.test_loss_constant
        self.errors: dict[int, Exception] = {}
        self.left, self.step = set(specs), 0
        self._specs = [specs.get(slot, some) for slot in range(some.train.fuse)]
        nets = NarrowNets if is_narrow(some, self._data) else JoinedNets
        self._nets: Nets = nets(self._specs, specs.keys(), self._data)
        self._buffer = list[StepNumbers]()
        per_epoch = len(self._data.train_y) // some.train.batch_size
        self._last_epoch: deque[tuple[list[float], list[float] | None]] = deque(maxlen=per_epoch)

    def run(self) -> Iterator[Self]:
        """Make the steps that are left of any member, and yield after each, and at the end."""
        for step in self._nets.steps(self.left):
            self._buffer.append(step)
            if len(self._buffer) == MAX_BUFFERED_STEPS or step.step + 1 == self._train.steps:
                self._read()
            if not self.left:
                break
            self.step = step.step + 1
            yield self
        if self.left:
            self._finish()
        yield self

    def end(self, slot: int) -> None:
        """Let a member be, which has ended, or which nobody wants any more."""
        self.left.discard(slot)
        self.members[slot].wall_time_s = self._clock.read(slot)
        self._clock.share_among(len(self.left))

    def state_dict(self, slot: int) -> dict[str, Any]:
        """Refuse: what is this short begins anew."""
        raise NotPlain(f"slot {slot}: a trial of a crowd is not saved")

    def _read(self) -> None:
        """Read the buffered steps, up to where each member's loss diverged."""
        steps, self._buffer = self._buffer, []
        losses = torch.stack([step.losses for step in steps]).double()
        bars = torch.tensor([spec.train.max_loss for spec in self._specs], dtype=torch.float64, device=losses.device)
        is_bad = (~(losses <= bars)).cpu().numpy()  # NaN is
        for i, (step, values) in enumerate(zip(steps, losses.tolist(), strict=True)):
            hits = None if step.accuracies is None else step.accuracies.tolist()
            self._last_epoch.append((values, hits))
            norms = None if step.norms is None else step.norms.tolist()
            diverged = [slot for slot in is_bad[i].nonzero()[0].tolist() if slot in self.left]
            has_rows = is_logged(self._specs[0], step.step, is_measured=False)
            for slot in [*self.left] if has_rows else diverged if self._logs_end else ():
                grad_norm = None if is_bad[i, slot] or norms is None else joint_norm(norms[slot])
                accuracy = None if hits is None else hits[slot]
                row = row_of_step(self._specs[slot], step.step, values[slot], accuracy, grad_norm, {})
                self.members[slot].result.tables["curves"].append(row)
            for slot in diverged:
                reason = divergence("mini-batch loss", values[slot], self._specs[slot].train.max_loss)
                assert reason is not None
                self.members[slot].result.diverge(step.step, reason)
                self.end(slot)

    def _finish(self) -> None:
        """Judge what the trials end with that have not diverged."""
        test = self._nets.scores(self._test_set(), [0] * len(self._specs), self.left)
        seeds = list(dict.fromkeys(spec.seed for spec in self._specs))
        which = [seeds.index(spec.seed) for spec in self._specs]
        train = self._nets.scores(self._train_samples(seeds), which, self.left)
        steps = self._train.steps
        for slot in [*self.left]:
            result, (loss, accuracy) = self.members[slot].result, test[slot]
            if self._logs_end:
                row = {"step": steps, "test_loss": loss, "test_acc": accuracy}
                result.tables["curves"].append({**row, "test_loss_running": loss, "test_acc_running": accuracy})
            if reason := divergence("test loss", loss, self._specs[slot].train.max_loss):
                result.diverge(steps, reason)
            else:
                result.stop_step = steps
                result.test_loss, result.test_acc = result.test_loss_running, result.test_acc_running = test[slot]
                result.train_loss_eval, result.train_acc_eval = train[slot]
                result.train_loss = mean([losses[slot] for losses, _ in self._last_epoch])
                hits = [hits[slot] for _, hits in self._last_epoch if hits is not None]
                result.train_acc = mean(hits) if hits else None
            self.end(slot)

    def _test_set(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield samples (1, B, C, H, W) and targets (1, B) of the test set."""
        for start in range(0, len(self._data.test_y), self._nets.at_once):
            part = slice(start, start + self._nets.at_once)
            yield self._data.standardize(self._data.test_x[part])[None], self._data.test_y[part][None]

    def _train_samples(self, seeds: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield samples (S, B, C, H, W) and targets (S, B) of each seed's sample of the training set."""
        count = len(self._data.test_y)
        drawn = torch.stack([drawn_samples(self._data, seed, count, "train_sample") for seed in seeds])
        for index in torch.split(drawn, self._nets.at_once, 1):
            x = self._data.standardize(self._data.train_x[index.flatten()])
            yield x.view(*index.shape, *x.shape[1:]), self._data.train_y[index]
