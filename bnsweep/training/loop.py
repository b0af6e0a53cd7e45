"""One trial: builds the model, trains it, probes it, and returns its rows. Knows nothing of Ray or files."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import pyarrow as pa
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnsweep.data import Dataset
from bnsweep.data.batches import batches
from bnsweep.models import build_model
from bnsweep.norm import noisy_sites
from bnsweep.probes import ScheduledProbe, build_probes
from bnsweep.probes.context import StepContext, StepStart
from bnsweep.probes.landscape import loss_and_gradient
from bnsweep.results.schema import CURVES, Row
from bnsweep.rng import derive, seeded
from bnsweep.spec import TrialSpec
from bnsweep.training.checkpoint import restore
from bnsweep.training.compiling import compiled
from bnsweep.training.initialization import initialize
from bnsweep.training.metrics import MetricsBuffer
from bnsweep.training.optimizers import make_optimizer

EVAL_BATCH = 500
"""Samples per forward pass of an evaluation: part of the semantics, since it moves the last bits of a mean."""


@dataclass
class TrialResult:
    """What a trial gave: how it ended, and the rows of its metric tables, without the columns that name it."""

    num_classes: int
    status: str = "completed"
    stop_step: int = 0
    stop_reason: str | None = None
    tables: dict[str, list[Row]] = field(default_factory=lambda: {"curves": []})
    schemas: dict[str, pa.Schema] = field(default_factory=lambda: {"curves": CURVES})
    train_loss: float | None = None
    train_acc: float | None = None
    test_loss: float | None = None
    test_acc: float | None = None
    probe_time_s: float = 0.0


def run_trial(spec: TrialSpec, data: Dataset) -> TrialResult:
    """Train `spec` on the device that holds `data`, from beginning to end.

    The result depends on `spec`, `data` and the kind of device alone. Divergence, a mini-batch loss or a final test
    loss that is not finite or exceeds `train.max_loss`, is a result: the trial ends there with status `diverged`.
    """
    for training in train(spec, data):
        result = training.result
    return result


def train(spec: TrialSpec, data: Dataset, saved: bytes | None = None) -> Generator[Training]:
    """Yield the trial before its first step and after each one; it has ended when there are no more.

    Between two steps the trial can be saved by `checkpoint.dump`; given what that returned, it continues there.
    """
    device = data.train_x.device
    with seeded(derive(spec.seed, "torch"), device):
        training = Training(spec, data)
        if saved is not None:
            restore(training, saved)
        yield training
        for _ in training.run():
            yield training


def prepare_model(spec: TrialSpec, data: Dataset) -> nn.Module:
    """Return the trial's model, initialized, on the device that holds `data`."""
    model = build_model(spec.model, spec.norm, data.input_shape, data.num_classes, derive(spec.seed, "noise"))
    initialize(model, spec.init, spec.init_gain, spec.seed)
    device = data.train_x.device
    return model.to(device).to(memory_format=layout(spec, device))


def layout(spec: TrialSpec, device: torch.device) -> torch.memory_format:
    """Return how the weights of convolutions, and with them all activations, lie in memory.

    Channels last takes 3 to 30 % of a step's time away on a CPU, by net and machine. The lp norms are slower so, a
    user's own model may count on the other, and on a GPU it was not measured.
    """
    is_faster = device.type == "cpu" and spec.norm not in ("l1", "l2", "linf")
    return torch.channels_last if is_faster and ":" not in spec.model.name else torch.preserve_format


def evaluate(model: nn.Module, data: Dataset) -> tuple[float, float]:
    """Return loss (nats) and accuracy on the test set, in eval mode; the model is back in train mode afterwards."""
    loss = correct = 0.0
    model.eval()
    with torch.no_grad():
        for start in range(0, len(data.test_y), EVAL_BATCH):
            x, y = data.test_x[start : start + EVAL_BATCH], data.test_y[start : start + EVAL_BATCH]
            logits = model(data.standardize(x))
            loss += F.cross_entropy(logits, y, reduction="sum").item()
            correct += (logits.argmax(1) == y).sum().item()
    model.train()
    return loss / len(data.test_y), correct / len(data.test_y)


class Training:
    """A trial under way: the model, its optimizer, and what was measured so far."""

    def __init__(self, spec: TrialSpec, data: Dataset) -> None:
        self.spec, self.data, self.device = spec, data, data.train_x.device
        self.step = 0
        self.result = TrialResult(data.num_classes)
        self.last_epoch: deque[tuple[float, float]] = deque(maxlen=len(data.train_y) // spec.train.batch_size)
        self.model = prepare_model(spec, data).train()
        self.optimizer = make_optimizer(self.model.parameters(), spec)
        self.probes = build_probes(spec.probes, spec.train.steps)
        self._metrics = MetricsBuffer()
        kind = spec.model, spec.norm, spec.dataset, spec.train.batch_size
        self._forward = compiled(self.model, kind) if spec.train.compile else self.model
        self._noisy_sites, self._parameters = noisy_sites(self.model), list(self.model.named_parameters())
        for probe in self.probes:
            self.result.tables[probe.table], self.result.schemas[probe.table] = [], probe.schema
        self.earlier_s, self._started = 0.0, perf_counter()

    @property
    def wall_time_s(self) -> float:
        """Time spent on the trial, that before a checkpoint included."""
        return self.earlier_s + perf_counter() - self._started

    def run(self) -> Iterator[None]:
        """Make the steps that are left, and yield after each."""
        train, first = self.spec.train, self.step
        for step, (x, y) in enumerate(batches(self.data, train.batch_size, train.steps, self.spec.seed, first), first):
            try:
                self._update(step, x, y)
            except Exception:
                if self.settle():  # a step after the loss diverged may fail as it likes
                    raise
            if self.has_diverged or (self._metrics.is_full and not self.settle()):
                return
            self.step = step + 1
            yield
        if self.settle():
            self._finish()

    @property
    def has_diverged(self) -> bool:
        """Whether the trial has ended before its time."""
        return self.result.status == "diverged"

    def settle(self) -> bool:
        """Read what the steps so far gave into the rows, up to where the loss diverged; return whether it did not."""
        if self.has_diverged:
            return False
        for reading in self._metrics.read():
            self.last_epoch.append((reading.loss, reading.accuracy))
            diverged = _divergence("mini-batch loss", reading.loss, self.spec.train.max_loss)
            if diverged or reading.row is not None:
                row = {"step": reading.step, "train_loss": reading.loss, "train_acc": reading.accuracy}
                grad_norm = None if diverged else reading.grad_norm
                self.result.tables["curves"].append(row | (reading.row or {}) | {"grad_norm": grad_norm})
            if diverged:
                self._stop(reading.step, diverged)
                break
        return not self.has_diverged

    def _update(self, step: int, x: Tensor, y: Tensor) -> None:
        """Make one update and probe it; neither, where a probe is due and the loss has diverged."""
        for site in self._noisy_sites:
            site.step = step
        due = [probe for probe in self.probes if probe.due(step)]
        if due and not self.settle():
            return
        row = self._row(step)
        start = self._start(x) if due else None
        logits = self._forward(x)
        loss = F.cross_entropy(logits, y)
        self._metrics.keep(step, loss, logits, y, row)
        if due and _divergence("mini-batch loss", loss.item(), self.spec.train.max_loss):
            self.settle()
            return
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        if row is not None:
            self._metrics.keep_grad_norm(nn.utils.get_total_norm(self._gradients().values()))
        gradients = self._gradients() if due else {}
        self.optimizer.step()
        if start:
            context = StepContext(
                model=self.model,
                x=start.x,
                y=y,
                loss_fn=F.cross_entropy,
                step=step,
                lr=self.spec.lr,
                loss=loss.item(),
                params_before=start.parameters,
                params_after={name: w.detach() for name, w in self.model.named_parameters()},
                buffers=start.buffers,
                grads=gradients,
                rng_state=start.rng_state,
            )
            self._probe(due, context)

    def _gradients(self) -> dict[str, Tensor]:
        """Return the gradient of each trained parameter by name, zeros where the loss does not depend on it."""
        return {
            name: torch.zeros_like(w) if w.grad is None else w.grad for name, w in self._parameters if w.requires_grad
        }

    def _row(self, step: int) -> dict[str, Any] | None:
        """Return what is known of a step's row in `curves` before it is made; None where it is not logged."""
        train = self.spec.train
        if train.eval_every and step % train.eval_every == 0:
            return self._evaluation(step)
        return {} if step % train.log_every == 0 else None

    def _start(self, x: Tensor) -> StepStart:
        with self._probe_time():
            return StepStart.of(self.model, x)

    def _probe(self, due: Iterable[ScheduledProbe], context: StepContext) -> None:
        with self._probe_time():
            if self.spec.train.compile:  # by the kernels that the probes use: others round otherwise
                loss, gradients = loss_and_gradient(
                    context, {name: context.params_before[name] for name in context.grads}
                )
                context = replace(context, loss=loss.item(), grads=gradients)
            for probe in due:
                self.result.tables[probe.table].extend(probe.measure(context))

    @contextmanager
    def _probe_time(self) -> Iterator[None]:
        started = perf_counter()
        yield
        self.result.probe_time_s += perf_counter() - started

    def _evaluation(self, step: int) -> dict[str, Any]:
        loss, accuracy = evaluate(self.model, self.data)
        return {"step": step, "test_loss": loss, "test_acc": accuracy}

    def _stop(self, step: int, reason: str) -> None:
        self.result.status, self.result.stop_step, self.result.stop_reason = "diverged", step, reason

    def _finish(self) -> None:
        steps, result, last_epoch = self.spec.train.steps, self.result, self.last_epoch
        row = self._evaluation(steps)
        result.tables["curves"].append(row)
        if diverged := _divergence("test loss", row["test_loss"], self.spec.train.max_loss):
            self._stop(steps, diverged)
            return
        result.stop_step = steps
        result.train_loss, result.train_acc = (
            sum(values) / len(last_epoch) for values in zip(*last_epoch, strict=True)
        )
        result.test_loss, result.test_acc = row["test_loss"], row["test_acc"]


def _divergence(what: str, loss: float, bound: float) -> str | None:
    """Return why a loss counts as divergence; None where it does not."""
    if not math.isfinite(loss):
        return f"{what} {loss}"
    return f"{what} {loss:.6g} above max_loss {bound:g}" if loss > bound else None
