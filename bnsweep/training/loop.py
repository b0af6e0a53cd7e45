"""One trial, from its spec to its rows. Knows nothing of Ray or files."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import NamedTuple

from bnsweep.data import Dataset
from bnsweep.rng import derive, seeded
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import is_fused, slot_of
from bnsweep.training import checkpoint
from bnsweep.training.code import code_sha256
from bnsweep.training.compiling import Compiler
from bnsweep.training.fused.crowd import Member
from bnsweep.training.fused.loop import train_together
from bnsweep.training.own import Context, OwnTraining
from bnsweep.training.precision import products_in
from bnsweep.training.result import TrialResult
from bnsweep.training.training import Training


class PrunedAt(NamedTuple):
    """After how many steps a pruner stops a trial, and its rule."""

    step: int
    rule: str


def run_trial(spec: TrialSpec, data: Dataset, pruned: PrunedAt | None = None) -> TrialResult:
    """Train `spec` on the device that holds `data`, from beginning to end, or to where it is pruned.

    The result depends on `spec`, `data` and the kind of device alone. Divergence, a mini-batch loss or a final test
    loss that is not finite or exceeds `train.max_loss`, is a result: the trial ends there with status `diverged`.
    """
    with closing(train(spec, data)) as steps:
        for training in steps:
            if pruned and isinstance(training, Training) and training.step == pruned.step:
                training.prune(pruned.rule)
                break
        return training.result


def train(
    spec: TrialSpec, data: Dataset, saved: bytes | None = None, compiler: Compiler | None = None
) -> Generator[AnyTraining | Member]:
    """Yield the trial before its first step and after each one; it has ended when there are no more.

    One that trains as one with others does so with copies of itself here.

    Args:
        spec: the trial.
        data: what it trains on, on the device to train on.
        saved: the state of the same trial between two steps, by `checkpoint.dump`: it continues there, unless another
            version of bnsweep wrote it, or it was of other data or code.
        compiler: that of the process, where more than one trial may be compiled.
    """
    if not is_fused(spec):
        yield from train_alone(spec, data, saved, compiler)
        return
    slot, state = slot_of(spec), checkpoint.load_of(data, saved, data.train_x.device)
    for training in train_together({slot: spec}, data, {slot: state} if state else {}):
        yield training.members[slot]
        if error := training.errors.get(slot):
            raise error


def train_alone(
    spec: TrialSpec, data: Dataset, saved: bytes | None = None, compiler: Compiler | None = None
) -> Generator[AnyTraining]:
    """Do what `train` does of a trial that trains by itself."""
    device = data.train_x.device
    state = checkpoint.load_of(data, saved, device)
    with seeded(derive(spec.seed, "torch"), device), products_in(spec.train.precision, device):
        code = code_sha256(spec)  # first of all: the code is imported by what follows
        training = OwnTraining(spec, data, Context) if spec.is_own else Training(spec, data, compiler or Compiler())
        if state and state.get("code_sha256") == code:
            training.load_state_dict(state)
        yield training
        yield from training.run()


AnyTraining = Training | OwnTraining
"""A trial under way by itself, by whichever loop."""
