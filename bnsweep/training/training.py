"""A trial under way: batches, steps, probes, evaluations. Knows nothing of Ray or files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Self

from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.data.batches import batches
from bnsweep.probes import ScheduledProbe, TrainedModel
from bnsweep.probes.context import StepStart
from bnsweep.rng import RngState, capture_rng, restore_rng
from bnsweep.spec import TrialSpec
from bnsweep.training.code import code_sha256
from bnsweep.training.compiling import Compiler
from bnsweep.training.context import step_context
from bnsweep.training.curves import is_evaluated, is_logged
from bnsweep.training.evaluation import Evaluation, Evaluator
from bnsweep.training.metrics import BufferedStep
from bnsweep.training.precision import held_in
from bnsweep.training.probing import Probing
from bnsweep.training.record import Record
from bnsweep.training.result import TrialResult, divergence, score_of
from bnsweep.training.step import StepOutputs, Trial


@dataclass
class BegunStep:
    """A step under way.

    Args:
        step: updates made before it.
        due: the probes that measure it.
        row: what is known of its row in `curves`; None where it has no row.
        metrics: of its forward, once that was made.
    """

    step: int
    due: list[ScheduledProbe]
    row: dict[str, Any] | None
    metrics: BufferedStep | None = None


class Training:
    """A trial under way: the model in training, its probes, and the record of what was measured so far.

    Args:
        spec: the trial.
        data: what it trains on, on the device to train on.
        compiler: compiles its step where it asks for that.
        clock: of its time, in seconds.
        judge: says how good the model is, `with_train` or not, where that is not for the trial to find out by itself.
    """

    def __init__(
        self,
        spec: TrialSpec,
        data: Dataset,
        compiler: Compiler,
        clock: Callable[[], float] = perf_counter,
        judge: Callable[[bool], Evaluation] | None = None,
    ) -> None:
        self.spec, self.data, self.device = spec, held_in(data, spec.train.precision), data.train_x.device
        self.step = 0
        self.trial, self.record = Trial(spec, self.data, compiler), Record(spec, self.data)
        self._evaluator = Evaluator(self.data, self.trial.loss, spec.train.batch_size, spec.seed, spec.train.precision)
        self._judge = judge or partial(self._evaluator, self.trial.model)
        self.probing = Probing(spec, self.result, clock)
        self.earlier_s, self._clock, self._started = 0.0, clock, clock()

    @property
    def result(self) -> TrialResult:
        """What the trial gave so far."""
        return self.record.result

    @property
    def wall_time_s(self) -> float:
        """Time spent on the trial, that before a checkpoint included."""
        return self.earlier_s + self._clock() - self._started

    def stop_clock(self) -> None:
        """Count no more of the time."""
        ended = self._clock()
        self._clock = lambda: ended

    def run(self) -> Iterator[Self]:
        """Make the steps that are left, and yield after each."""
        for step, (x, y) in enumerate(batches(self.data, self.spec.train, self.spec.seed, self.step), self.step):
            try:
                if not self._make(step, x, y):
                    break
            except Exception:
                self.record.flush()
                if not self.result.has_diverged:  # a step after the loss diverged may fail as it likes
                    raise
                break
            yield self
        self.finish()

    def _make(self, step: int, x: Tensor, y: Tensor) -> bool:
        """Make a step; return whether there may be another."""
        begun = self.begin(step)
        if begun is None:
            return False
        start = self._start(x) if begun.due else None
        outputs = self.trial.forward(step, x, y)
        loss = outputs.loss.item() if start else 0.0
        if not self.goes_on(begun, outputs, y, loss):
            return False
        self.end(begun, self.trial.update(outputs, with_grad_norm=begun.row is not None))
        if start:
            self._measure(begun.due, start, step, y, loss)
        self.step = step + 1
        return True

    def begin(self, step: int) -> BegunStep | None:
        """Look at what comes before the forward of a step; None where the loss has diverged before it."""
        due = self.probing.due(step)
        if due or self.record.buffer.is_full:
            self.record.flush()
        return None if self.result.has_diverged else BegunStep(step, due, self._row(step, bool(due)))

    def goes_on(self, begun: BegunStep, outputs: StepOutputs, y: Tensor, loss: float) -> bool:
        """Keep the numbers of the forward; return whether an update is to follow, as far as one knows yet.

        The loss is that of the mini-batch where a probe is due, else 0, since reading it waits for the device.
        """
        begun.metrics = BufferedStep(begun.step, outputs.loss.detach(), outputs.logits, y, begun.row)
        self.record.buffer.append(begun.metrics)
        return divergence("mini-batch loss", loss, self.spec.train.max_loss) is None

    def end(self, begun: BegunStep, grad_norms: Tensor | None) -> None:
        """Keep the norms (P,) of the update's gradient, where they were taken."""
        assert begun.metrics is not None
        begun.metrics.grad_norms = grad_norms

    def finish(self) -> None:
        """Judge what the trial ends with, unless it diverged."""
        self.record.flush()
        if not self.result.has_diverged:
            self.record.finish(self.evaluate(with_train=True))
        if self.probing.final_probes and not self.result.has_diverged:
            self._measure_trained_model()

    def scores(self, rungs: Collection[int]) -> list[float]:
        """Return how good the model was at those of the rungs that it has reached, now included, by its curves."""
        self.record.flush()
        rows = {row["step"]: row for row in self.result.tables["curves"] if row.get("test_loss") is not None}
        if self.step in rungs and self.step not in rows and not self.result.has_diverged:
            rows[self.step] = self.evaluate().test_columns()
        return [score_of(rows[rung]) for rung in sorted(rungs) if rung in rows]

    def prune(self, rule: str) -> None:
        """End between two steps, by a pruner with this rule, unless the loss has diverged."""
        self.record.flush()
        if not self.result.has_diverged:
            self.record.prune(self.step, self.evaluate(), rule)

    def _row(self, step: int, is_measured: bool) -> dict[str, Any] | None:
        """Return what is known of a step's row in `curves` before it is made; None where it has no row."""
        if is_evaluated(self.spec, step):
            return self.evaluate().test_columns()
        return {} if is_logged(self.spec, step, is_measured) else None

    def evaluate(self, with_train: bool = False) -> Evaluation:
        """Return how good the model is now, without a trace, `with_train` on a sample of the training set too."""
        return self._judge(with_train)

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
