"""One trial, from its spec to its rows: batches, steps, probes, evaluations. Knows nothing of Ray or files."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from functools import partial
from time import perf_counter
from typing import Any, Self

from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.data.batches import batches
from bnsweep.probes import ScheduledProbe, TrainedModel
from bnsweep.probes.context import StepStart
from bnsweep.rng import RngState, capture_rng, derive, restore_rng, seeded
from bnsweep.spec import TrialSpec
from bnsweep.training import checkpoint
from bnsweep.training.code import code_sha256
from bnsweep.training.compiling import Compiler
from bnsweep.training.context import step_context
from bnsweep.training.evaluation import Evaluation, Evaluator
from bnsweep.training.metrics import BufferedStep
from bnsweep.training.own import Context, OwnTraining
from bnsweep.training.precision import held_in, products_in
from bnsweep.training.probing import Probing
from bnsweep.training.record import Record
from bnsweep.training.result import TrialResult, divergence
from bnsweep.training.step import Trial


def run_trial(spec: TrialSpec, data: Dataset) -> TrialResult:
    """Train `spec` on the device that holds `data`, from beginning to end.

    The result depends on `spec`, `data` and the kind of device alone. Divergence, a mini-batch loss or a final test
    loss that is not finite or exceeds `train.max_loss`, is a result: the trial ends there with status `diverged`.
    """
    for training in train(spec, data):
        result = training.result
    return result


def train(
    spec: TrialSpec, data: Dataset, saved: bytes | None = None, compiler: Compiler | None = None
) -> Generator[AnyTraining]:
    """Yield the trial before its first step and after each one; it has ended when there are no more.

    Args:
        spec: the trial.
        data: what it trains on, on the device to train on.
        saved: the state of the same trial between two steps, by `checkpoint.dump`: it continues there, unless another
            version of bnsweep wrote it, or it was of other data or code.
        compiler: that of the process, where more than one trial may be compiled.
    """
    device = data.train_x.device
    with seeded(derive(spec.seed, "torch"), device), products_in(spec.train.precision, device):
        code = code_sha256(spec)  # first of all: the code is imported by what follows
        training = OwnTraining(spec, data, Context) if spec.is_own else Training(spec, data, compiler or Compiler())
        state = None if saved is None else checkpoint.load(saved, training.device)
        if state and (state["data_sha256"], state.get("code_sha256")) == (data.sha256, code):
            training.load_state_dict(state)
        yield training
        yield from training.run()


class Training:
    """A trial under way: the model in training, its probes, and the record of what was measured so far."""

    def __init__(self, spec: TrialSpec, data: Dataset, compiler: Compiler) -> None:
        self.spec, self.data, self.device = spec, held_in(data, spec.train.precision), data.train_x.device
        self.step = 0
        self.trial, self.record = Trial(spec, self.data, compiler), Record(spec, self.data)
        self._evaluator = Evaluator(self.data, self.trial.loss, spec.train.batch_size, spec.seed, spec.train.precision)
        self.probing = Probing(spec, self.result)
        self.earlier_s, self._started = 0.0, perf_counter()

    @property
    def result(self) -> TrialResult:
        """What the trial gave so far."""
        return self.record.result

    @property
    def wall_time_s(self) -> float:
        """Time spent on the trial, that before a checkpoint included."""
        return self.earlier_s + perf_counter() - self._started

    def run(self) -> Iterator[Self]:
        """Make the steps that are left, and yield after each."""
        train, trial, record, result = self.spec.train, self.trial, self.record, self.result
        left = batches(self.data, train, self.spec.seed, self.step)
        for step, (x, y) in enumerate(left, self.step):
            due = self.probing.due(step)
            if due or record.buffer.is_full:
                record.flush()
            if result.has_diverged:
                break
            try:
                row, start = self._row(step), self._start(x) if due else None
                outputs = trial.forward(step, x, y)
                metrics = BufferedStep(step, outputs.loss.detach(), outputs.logits, y, row)
                record.buffer.append(metrics)
                loss = outputs.loss.item() if start else 0.0
                if divergence("mini-batch loss", loss, train.max_loss):
                    break
                metrics.grad_norms = trial.update(outputs, with_grad_norm=row is not None)
                if start:
                    self._measure(due, start, step, y, loss)
            except Exception:
                record.flush()
                if not result.has_diverged:  # a step after the loss diverged may fail as it likes
                    raise
                break
            self.step = step + 1
            yield self
        record.flush()
        if not result.has_diverged:
            record.finish(self.evaluate(with_train=True))
        if self.probing.final_probes and not result.has_diverged:
            self._measure_trained_model()

    def _row(self, step: int) -> dict[str, Any] | None:
        """Return what is known of a step's row in `curves` before it is made; None where it has no row."""
        train = self.spec.train
        if train.eval_every and step % train.eval_every == 0:
            return self.evaluate().test_columns()
        return {} if step % train.log_every == 0 else None

    def evaluate(self, with_train: bool = False) -> Evaluation:
        """Return how good the model is now, without a trace, `with_train` on a sample of the training set too."""
        return self._evaluator(self.trial.model, with_train)

    def _start(self, x: Tensor) -> StepStart:
        """Return copies of what the step on the mini-batch x may move, for probes."""
        with self.probing.timed():
            return StepStart.of(self.trial.model, x)

    def _measure(self, due: Iterable[ScheduledProbe], start: StepStart, step: int, y: Tensor, loss: float) -> None:
        """Add the rows that the probes make of the step."""
        with self.probing.timed():
            self.probing.measure(due, step_context(self.spec, self.trial, start, step, y, loss))

    def _measure_trained_model(self) -> None:
        """Add the rows that the probes make of what the trial ends with."""
        model, sample = self.trial.model, partial(self._evaluator.sample, stream="final_probes")
        with self.probing.timed(), self._evaluator.as_judged(model):
            self.probing.measure_trained(TrainedModel(model, self.step, sample, self.trial.loss.of_samples))

    def state_dict(self) -> dict[str, Any]:
        """Return the state between two steps: of model, optimizer, probes, record and global random streams.

        The order of the data is no state: it is drawn anew from the seed.
        """
        return {
            "step": self.step,
            "data_sha256": self.data.sha256,
            "code_sha256": code_sha256(self.spec),
            "wall_time_s": self.wall_time_s,
            "trial": self.trial.state_dict(),
            "probes": self.probing.state_dict(),
            "record": self.record.state_dict(),
            "rng": capture_rng(self.device).state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put a trial that was just built, and the global random streams, where `state_dict` found another."""
        self.step, self.earlier_s = state["step"], state["wall_time_s"]
        self.trial.load_state_dict(state["trial"])
        self.probing.load_state_dict(state["probes"])
        self.record.load_state_dict(state["record"])
        restore_rng(RngState.of(state["rng"]), self.device)


AnyTraining = Training | OwnTraining
"""A trial under way, by whichever loop."""
