"""The trials of one program, from their specs to their rows: one step of all at a time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.data.batches import joined_batches
from bnsweep.probes.joint import JointStep
from bnsweep.rng import derive, seeded
from bnsweep.spec import TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.evaluation import Evaluation
from bnsweep.training.fused.clock import SharedClock
from bnsweep.training.fused.crowd import Crowd, is_crowd
from bnsweep.training.fused.evaluation import JointEvaluator
from bnsweep.training.fused.probing import JointProbing
from bnsweep.training.fused.step import JoinedTrials
from bnsweep.training.precision import held_in, products_in
from bnsweep.training.training import BegunStep, Training

State = dict[str, Any]


def train_together(
    specs: Mapping[int, TrialSpec], data: Dataset, states: Mapping[int, State] | None = None
) -> Generator[FusedTraining | Crowd]:
    """Yield the trials before their first step and after each one; all have ended when there are no more.

    Args:
        specs: of one program, by slot.
        data: what they train on, on the device to train on.
        states: of each of them between the same two steps, by `Training.state_dict`; none of trials that begin.
    """
    (first, *_) = specs.values()
    device = data.train_x.device
    with seeded(derive(first.seed, "torch"), device), products_in(first.train.precision, device):
        training = Crowd(specs, data) if is_crowd(first) else FusedTraining(specs, data, states or {})
        yield training
        yield from training.run()


class FusedTraining:
    """Trials under way: each keeps its own record, and all are stepped, measured and evaluated as one.

    A member that diverges ends at its step; its numbers go on unread, and no other's bits depend on them. Slots without
    a trial hold a copy of one. What a trial took is what it took by itself, and its share of what all took together.

    Attributes:
        members: the trials by slot, each with its result.
        errors: what a member raised by itself, in a probe or an evaluation, by its slot; the others go on.
        left: the slots of the trials that have not ended.
        probing: the probes of all.
    """

    def __init__(self, specs: Mapping[int, TrialSpec], data: Dataset, states: Mapping[int, State]) -> None:
        (some, *_) = specs.values()
        self._clock = SharedClock(len(specs))
        in_slots = [specs.get(slot, some) for slot in range(some.train.fuse)]
        held = held_in(data, some.train.precision)  # once for all
        all_members = [
            Training(spec, held, Compiler(), self._clock.of(slot), partial(self._judge, slot))
            for slot, spec in enumerate(in_slots)
        ]
        some_state = next(iter(states.values()), None)
        for slot, member in enumerate(all_members):
            if state := states.get(slot, some_state):
                member.load_state_dict(state)
        self.members = {slot: all_members[slot] for slot in specs}
        self.errors: dict[int, Exception] = {}
        self.left = set(specs)
        self.step = max(member.step for member in all_members)
        self._data, self._seeds = all_members[0].data, [spec.seed for spec in in_slots]
        self._train = some.train
        self._joint = JoinedTrials([member.trial for member in all_members], in_slots, self.step)
        self.probing = JointProbing(all_members, self._joint)
        self._evaluator = JointEvaluator(
            self._data,
            self._joint.loss,
            some.train.batch_size,
            some.seed,  # of the stream for what is drawn in eval mode, which is nothing here
            some.train.precision,
            seeds=tuple(self._seeds),
            laid_out=self._joint.laid_out,
        )
        self._evaluated: tuple[tuple[int, bool], list[Evaluation]] | None = None

    def run(self) -> Iterator[Self]:
        """Make the steps that are left of any member, and yield after each, and at the end."""
        for step, (x, y) in enumerate(joined_batches(self._data, self._train, self._seeds, self.step), self.step):
            self._make(step, x, y)
            if not self.left:
                break
            self.step = step + 1
            yield self
        for slot in [*self.left]:
            with self._by_itself(slot):
                self.members[slot].finish()
            self.end(slot)
        yield self

    def end(self, slot: int) -> None:
        """Let a member be, which has ended, or which nobody wants any more."""
        self.left.discard(slot)
        self.members[slot].stop_clock()
        self.members[slot].trial.optimizer.zero_grad()  # a part of the gradient of all
        self._clock.share_among(len(self.left))

    def evaluate(self, with_train: bool = False) -> list[Evaluation]:
        """Return how good each slot's model is now, without a trace, `with_train` on samples of the training set."""
        asked = self.step, with_train
        if self._evaluated is None or self._evaluated[0] != asked:
            with self._clock.owned_by(None):
                self._evaluated = asked, self._evaluator.of_each(self._joint.model, with_train)
        return self._evaluated[1]

    def _judge(self, slot: int, with_train: bool) -> Evaluation:
        return self.evaluate(with_train)[slot]

    def state_dict(self, slot: int) -> dict[str, Any]:
        """Return the state of a member between two steps."""
        self._joint.share(slot)
        self.probing.share(slot)
        return self.members[slot].state_dict()

    def _make(self, step: int, x: Tensor, y: Tensor) -> None:
        """Make a step on the mini-batches x (K, B, C, H, W), y (K, B)."""
        begun = dict[int, BegunStep]()
        for slot in [*self.left]:
            with self._by_itself(slot):
                if one := self.members[slot].begin(step):
                    begun[slot] = one
                else:
                    self.end(slot)
        start = self.probing.start(x, self.left) if self.probing.is_due(step) else None
        outputs = self._joint.forward(step, x, y)
        losses = torch.stack([each.loss for each in outputs]).tolist() if start else [0.0] * len(outputs)
        for slot in [*self.left]:
            if not self.members[slot].goes_on(begun[slot], outputs[slot], y[slot], losses[slot]):
                self.members[slot].record.flush()
                self.end(slot)
        norms = self._joint.update(step, with_grad_norm=any(begun[slot].row is not None for slot in self.left))
        for slot in self.left:
            one = begun[slot]
            self.members[slot].end(one, norms[slot] if norms is not None and one.row is not None else None)
        if start:
            self._measure(self._joint.joint_step(start, step, y, losses, self.left))
        for slot in self.left:
            self.members[slot].step = step + 1

    def _measure(self, step: JointStep) -> None:
        """Let the probes measure a step."""
        self.probing.measure(step)
        for slot in step.left:
            with self._by_itself(slot):
                self.probing.measure_one(step, slot)

    @contextmanager
    def _by_itself(self, slot: int) -> Iterator[None]:
        """Let what a member raises within the block end that member alone; what comes after it diverged is no error."""
        member = self.members[slot]
        try:
            with self._clock.owned_by(slot):
                yield
        except Exception as error:
            member.record.flush()
            if not member.result.has_diverged:
                self.errors[slot] = error
            self.end(slot)
