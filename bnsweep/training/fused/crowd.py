"""Many short trials of one program of which nothing is measured on the way: none has a model of its own.

What `FusedTraining` does for each member, at each step, is done for all of them at once here: what is left for a trial
by itself is to begin, to diverge, a row of `curves` where there is one, and to end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.data.batches import joined_batches
from bnsweep.models import build_model, layers
from bnsweep.probes.state import NotPlain
from bnsweep.spec import TrialSpec
from bnsweep.spec.trial import BATCH_STATISTICS
from bnsweep.training.compiling import Compiler
from bnsweep.training.evaluation import EVAL_BATCH, drawn_samples
from bnsweep.training.fused.clock import SharedClock
from bnsweep.training.fused.narrow import is_narrow, narrow_steps
from bnsweep.training.fused.step import JoinedTrials
from bnsweep.training.initialization import draw_layer, fill
from bnsweep.training.metrics import MAX_BUFFERED_STEPS, joint_norm
from bnsweep.training.precision import held_in
from bnsweep.training.record import mean, result_on
from bnsweep.training.result import TrialResult, divergence
from bnsweep.training.schedules import lr_at
from bnsweep.training.step import Trial

MAX_STEPS = 1000
"""Trials of more are saved on the way, which a crowd is not."""

MAX_AT_ONCE = 16_384
"""Samples of all members in a forward pass of their evaluation."""


def is_crowd(spec: TrialSpec) -> bool:
    """Return whether trials of the program of `spec` train as a crowd."""
    is_measured = spec.probes.sections or spec.probes.flatness is not None or spec.train.eval_every
    return not is_measured and spec.norm not in BATCH_STATISTICS and spec.train.steps <= MAX_STEPS


class Member:
    """A trial of a crowd, as far as others look at it."""

    def __init__(self, spec: TrialSpec, data: Dataset, result: TrialResult) -> None:
        self.spec, self.data, self.result = spec, data, result
        self.device, self.wall_time_s = data.train_x.device, 0.0


class _Step(NamedTuple):
    """A step whose numbers were not read yet: (K,) each, norms (K, P)."""

    step: int
    losses: Tensor
    hits: Tensor | None
    norms: Tensor | None


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
        self.members = {slot: Member(spec, data, TrialResult(None)) for slot, spec in specs.items()}
        result = result_on(self._data, some)
        for member in self.members.values():
            member.result.num_classes = result.num_classes
            member.result.test_loss_constant = result.test_loss_constant
        self.errors: dict[int, Exception] = {}
        self.left, self.step = set(specs), 0
        self._specs = [specs.get(slot, some) for slot in range(some.train.fuse)]
        self._joint = JoinedTrials([Trial(some, self._data, Compiler())] * len(self._specs), self._specs)
        self._begin(some)
        self._at_once = max(1, min(EVAL_BATCH, MAX_AT_ONCE // len(self._specs)))
        self._buffer = list[_Step]()
        per_epoch = len(self._data.train_y) // some.train.batch_size
        self._last_epoch: deque[tuple[list[float], list[float] | None]] = deque(maxlen=per_epoch)

    @torch.no_grad()
    def _begin(self, some: TrialSpec) -> None:
        """Give each member its initial weights."""
        network = build_model(some.model, some.norm, self._data.input_shape, self._data.num_classes, noise_seed=0)
        weight_layers, own = [layer for _, layer in layers(network)], list(network.model.parameters())
        slices = [w.detach().chunk(len(self._specs)) for w in self._joint.model.parameters()]
        for slot, spec in enumerate(self._specs):
            fill(weight_layers, spec.init, spec.init_gain, spec.seed, _drawn)
            for w, parts in zip(own, slices, strict=True):
                parts[slot].copy_(w)

    def run(self) -> Iterator[Self]:
        """Make the steps that are left of any member, and yield after each, and at the end."""
        for step in self._steps():
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

    def _steps(self) -> Iterator[_Step]:
        """Make the steps one by one."""
        if is_narrow(self._specs[0], self._data):
            narrow = narrow_steps(list(self._joint.model.parameters()), self._specs, self._data, self.left)
            for step, (losses, hits, norms) in enumerate(narrow):
                yield _Step(step, losses, hits, norms if step % self._train.log_every == 0 else None)
            return
        seeds = [spec.seed for spec in self._specs]
        for step, (x, y) in enumerate(joined_batches(self._data, self._train, seeds)):
            losses, outputs = self._joint.forward_of_all(step, x, y)
            hits = None if y.is_floating_point() else (outputs.argmax(1) == y).float().mean(1)
            yield _Step(step, losses, hits, self._joint.update(step, step % self._train.log_every == 0))

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
            hits = None if step.hits is None else step.hits.tolist()
            self._last_epoch.append((values, hits))
            norms = None if step.norms is None else step.norms.tolist()
            diverged = [slot for slot in is_bad[i].nonzero()[0].tolist() if slot in self.left]
            for slot in diverged if norms is None else [*self.left]:
                spec, result = self._specs[slot], self.members[slot].result
                reason = divergence("mini-batch loss", values[slot], spec.train.max_loss) if is_bad[i, slot] else None
                row = {"step": step.step, "train_loss": values[slot], "train_acc": hits and hits[slot]}
                row["grad_norm"] = None if reason or norms is None else joint_norm(norms[slot])
                row["step_lr"] = lr_at(step.step, spec.lr, spec.train)
                result.tables["curves"].append(row)
                if reason:
                    result.diverge(step.step, reason)
            for slot in diverged:
                self.end(slot)

    def _finish(self) -> None:
        """Judge what the trials end with that have not diverged."""
        test, train = self._scores(self._test_set()), self._scores(self._train_samples())
        steps = self._train.steps
        for slot in [*self.left]:
            result, (loss, accuracy) = self.members[slot].result, test[slot]
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
        for start in range(0, len(self._data.test_y), self._at_once):
            part = slice(start, start + self._at_once)
            yield self._data.standardize(self._data.test_x[part])[None], self._data.test_y[part][None]

    def _train_samples(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield samples (K, B, C, H, W) and targets (K, B) of each member's sample of the training set."""
        drawn = {
            seed: drawn_samples(self._data, seed, len(self._data.test_y), "train_sample")
            for seed in {spec.seed for spec in self._specs}
        }
        each = (
            torch.stack([drawn[spec.seed] for spec in self._specs])
            if len(drawn) > 1
            else next(iter(drawn.values()))[None]
        )
        for index in torch.split(each, self._at_once, 1):
            x = self._data.standardize(self._data.train_x[index.flatten()])
            yield x.view(*index.shape, *x.shape[1:]), self._data.train_y[index]

    @torch.no_grad()
    def _scores(self, samples: Iterator[tuple[Tensor, Tensor]]) -> list[tuple[float, float | None]]:
        """Return each member's loss, without label smoothing, and accuracy on batches of samples."""
        count, num_samples, parts = len(self._specs), 0, list[Tensor]()
        for x, y in samples:
            num_samples += y.shape[1]
            outputs = self._joint.outputs(x.expand(count, *x.shape[1:]))
            targets = y.expand(count, *y.shape[1:])
            sums = [self._joint.loss.total_of_each(outputs, targets).double()]
            if not targets.is_floating_point():
                sums.append((outputs.argmax(1) == targets).sum(1).double())
            parts.append(torch.stack(sums, 1))
        means = (torch.stack(parts).sum(0) / num_samples).tolist()
        return [(each[0], each[1] if len(each) > 1 else None) for each in means]


@lru_cache(maxsize=16)
def _drawn(init: str, seed: int, number: int, shape: torch.Size, num_biases: int) -> tuple[Tensor, Tensor]:
    """Return what `draw_layer` does; neighbours have the same."""
    return draw_layer(init, seed, number, shape, num_biases)
