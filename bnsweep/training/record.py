"""What a trial records while it trains: from the metrics of its steps to the rows of `curves`, and to how it ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from bnsweep.data import Dataset
from bnsweep.spec import TrialSpec
from bnsweep.spec.section import NONE
from bnsweep.training.curves import logs_end, row_of_step
from bnsweep.training.evaluation import Evaluation
from bnsweep.training.losses import constant_loss, make_loss
from bnsweep.training.metrics import MetricsBuffer, StepMetrics
from bnsweep.training.result import TrialResult, divergence


def result_on(data: Dataset, spec: TrialSpec) -> TrialResult:
    """Return the result of a trial that has not begun, with what the data say of how good it can be."""
    if spec.dataset.name == NONE:
        return TrialResult(None)
    num_classes = None if data.has_real_targets else data.num_classes
    return TrialResult(num_classes, test_loss_constant=constant_loss(make_loss(spec.train), data))


class Record:
    """The result so far, the metrics of the last epoch, and the steps that were not read yet."""

    def __init__(self, spec: TrialSpec, data: Dataset) -> None:
        self.steps, self.max_loss = spec.train.steps, spec.train.max_loss
        self._spec, self._logs_end = spec, logs_end(spec)
        self.result = result_on(data, spec)
        self.last_epoch: deque[tuple[float, float | None]] = deque(maxlen=len(data.train_y) // spec.train.batch_size)
        self.buffer = MetricsBuffer()

    def flush(self) -> None:
        """Read the buffered steps into the result, up to where the loss diverged."""
        for metrics in self.buffer.drain():
            if not self.result.has_diverged:
                self._read(metrics)

    def _read(self, metrics: StepMetrics) -> None:
        self.last_epoch.append((metrics.loss, metrics.accuracy))
        reason = divergence("mini-batch loss", metrics.loss, self.max_loss)
        if metrics.row is not None or (reason and self._logs_end):
            grad_norm = None if reason else metrics.grad_norm
            row = row_of_step(self._spec, metrics.step, metrics.loss, metrics.accuracy, grad_norm, metrics.row or {})
            self.result.tables["curves"].append(row)
        if reason:
            self.result.diverge(metrics.step, reason)

    def finish(self, evaluation: Evaluation) -> None:
        """Record the evaluation after the last step; the final training metrics are means over the last epoch."""
        result = self.result
        if self._logs_end:
            result.tables["curves"].append({"step": self.steps, **evaluation.test_columns()})
        if reason := divergence("test loss", evaluation.test.loss, self.max_loss):
            result.diverge(self.steps, reason)
            return
        result.stop_step = self.steps
        result.test_loss, result.test_acc = evaluation.test
        result.test_loss_running, result.test_acc_running = evaluation.test_running
        result.train_loss_eval, result.train_acc_eval = evaluation.train or (None, None)
        losses, accuracies = zip(*self.last_epoch, strict=True)
        result.train_loss, result.train_acc = mean(losses), None if None in accuracies else mean(accuracies)

    def prune(self, step: int, evaluation: Evaluation, rule: str) -> None:
        """Record the evaluation after which a pruner with this rule stops the trial."""
        self.result.tables["curves"].append({"step": step, **evaluation.test_columns()})
        self.result.prune(step, rule)

    def state_dict(self) -> dict[str, Any]:
        """Read what is buffered, and return the result and the last epoch."""
        self.flush()
        return {"result": self.result.state_dict(), "last_epoch": list(self.last_epoch)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue the record that `state_dict` returned."""
        self.result.load_state_dict(state["result"])
        self.last_epoch.extend(state["last_epoch"])


def mean(values: Sequence[float]) -> float:
    """Return the mean of at least one value, added up in this order."""
    return sum(values) / len(values)
