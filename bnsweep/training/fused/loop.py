"""K trials of one program, from their specs to their rows: one step of all at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.data.batches import joined_batches
from bnsweep.spec import TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.fused.step import JoinedTrials
from bnsweep.training.loop import BegunStep, Training
from bnsweep.training.precision import products_in


class FusedTraining:
    """Trials under way: each keeps its own record, probes and evaluations, and all make their steps as one.

    A member that diverges ends at its step; its numbers go on unread, and no other's bits depend on them.

    Args:
        specs: of one program.
        data: what they train on, on the device to train on.

    Attributes:
        members: the trials, each with its result.
        errors: what a member raised by itself, in a probe or an evaluation, by its number; the others go on.
    """

    def __init__(self, specs: Sequence[TrialSpec], data: Dataset) -> None:
        self.specs, self.data = specs, data
        self.members = [Training(spec, data, Compiler()) for spec in specs]
        self.errors: dict[int, Exception] = {}
        self._left = dict(enumerate(self.members))

    def run(self) -> Iterator[Self]:
        """Make the steps that are left of any member, and yield after each."""
        with products_in(self.specs[0].train.precision, self.data.train_x.device):
            joint = JoinedTrials([member.trial for member in self.members], self.specs)
            seeds, train = [spec.seed for spec in self.specs], self.specs[0].train
            for step, (x, y) in enumerate(joined_batches(self.members[0].data, train, seeds)):
                self._make(joint, step, x, y)
                if not self._left:
                    break
                yield self
            for k, member in enumerate(self.members):
                with self._by_itself(k):
                    if k not in self.errors:
                        member.finish()

    def _make(self, joint: JoinedTrials, step: int, x: Tensor, y: Tensor) -> None:
        """Make a step on the mini-batches x (K, B, C, H, W), y (K, B)."""
        begun: dict[int, BegunStep | None] = {}
        for k, member in [*self._left.items()]:
            with self._by_itself(k):
                begun[k] = member.begin(step, x[k])
        outputs = joint.forward(step, x, y)
        going = dict[int, BegunStep]()
        for k, member in [*self._left.items()]:
            one = begun[k]
            if one and member.goes_on(one, outputs[k], y[k]):
                going[k] = one
            else:
                del self._left[k]
        norms = joint.update(step, with_grad_norm=any(one.row is not None for one in going.values()))
        for k, one in going.items():
            if one.start:
                joint.share(k)
            with self._by_itself(k):
                self.members[k].end(one, norms[k] if norms is not None and one.row is not None else None)

    @contextmanager
    def _by_itself(self, k: int) -> Iterator[None]:
        """Let what a member raises within the block end that member alone; what comes after it diverged is no error."""
        member = self.members[k]
        try:
            yield
        except Exception as error:
            member.record.flush()
            self._left.pop(k, None)
            if not member.result.has_diverged:
                self.errors[k] = error
