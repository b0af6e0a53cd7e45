"""One trial: builds the model, trains it, probes it, and returns its rows. Knows nothing of Ray or files."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Any

import pyarrow as pa
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnsweep.checkpoint import restore
from bnsweep.data import Dataset
from bnsweep.init import initialize
from bnsweep.models import build_model
from bnsweep.norm import set_step
from bnsweep.optim import OPTIMIZERS
from bnsweep.probes import ScheduledProbe, build_probes
from bnsweep.probes.context import StepContext, StepStart
from bnsweep.results.schema import CURVES, Row
from bnsweep.seeding import derive
from bnsweep.spec import TrialSpec
from bnsweep.streams import seeded

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

    Between two steps the trial can be saved by `bnsweep.checkpoint.dump`; given what that returned, it continues there.
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
    return model.to(data.train_x.device)


def batch_indices(num_samples: int, batch_size: int, steps: int, seed: int) -> Iterator[Tensor]:
    """Yield the samples of each step, of shape (batch_size,).

    Every epoch is a fresh permutation, without the samples left over when it is cut into batches.
    """
    generator = torch.Generator().manual_seed(derive(seed, "data_order"))
    per_epoch = num_samples // batch_size
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(num_samples, generator=generator)
        start = step % per_epoch * batch_size
        yield order[start : start + batch_size]


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
        self.optimizer = OPTIMIZERS[spec.train.optimizer](self.model.parameters(), spec)
        self.probes = build_probes(spec.probes, spec.train.steps)
        for probe in self.probes:
            self.result.tables[probe.table], self.result.schemas[probe.table] = [], probe.schema
        self.earlier_s, self._started = 0.0, perf_counter()

    @property
    def wall_time_s(self) -> float:
        """Time spent on the trial, that before a checkpoint included."""
        return self.earlier_s + perf_counter() - self._started

    def run(self) -> Iterator[None]:
        """Make the steps that are left, and yield after each."""
        train, num_samples = self.spec.train, len(self.data.train_y)
        order = batch_indices(num_samples, train.batch_size, train.steps, self.spec.seed)
        for step, index in islice(enumerate(order), self.step, None):
            x, y = self.data.standardize(self.data.train_x[index]), self.data.train_y[index]
            row = self._evaluation(step) if train.eval_every and step % train.eval_every == 0 else {}
            loss, accuracy, grad_norm = self._update(step, x, y)
            self.last_epoch.append((loss, accuracy))
            diverged = _divergence("mini-batch loss", loss, train.max_loss)
            if row or diverged or step % train.log_every == 0:
                row |= {"step": step, "train_loss": loss, "train_acc": accuracy, "grad_norm": grad_norm}
                self.result.tables["curves"].append(row)
            if diverged:
                self._stop(step, diverged)
                return
            self.step = step + 1
            yield
        self._finish()

    def _update(self, step: int, x: Tensor, y: Tensor) -> tuple[float, float, float | None]:
        """Make one update, unless the loss diverged, and probe it; return loss, accuracy, gradient norm before it."""
        set_step(self.model, step)
        due = [probe for probe in self.probes if probe.due(step)]
        start = self._start(x) if due else None
        logits = self.model(x)
        loss = F.cross_entropy(logits, y)
        value, accuracy = loss.item(), (logits.argmax(1) == y).float().mean().item()
        if _divergence("mini-batch loss", value, self.spec.train.max_loss):
            return value, accuracy, None
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        gradients = {name: _gradient(w) for name, w in self.model.named_parameters() if w.requires_grad}
        grad_norm = nn.utils.get_total_norm(gradients.values()).item()
        self.optimizer.step()
        if start:
            context = StepContext(
                model=self.model,
                x=start.x,
                y=y,
                loss_fn=F.cross_entropy,
                step=step,
                lr=self.spec.lr,
                loss=value,
                params_before=start.parameters,
                params_after={name: w.detach() for name, w in self.model.named_parameters()},
                buffers=start.buffers,
                grads=gradients,
                rng_state=start.rng_state,
            )
            self._probe(due, context)
        return value, accuracy, grad_norm

    def _start(self, x: Tensor) -> StepStart:
        with self._probe_time():
            return StepStart.of(self.model, x)

    def _probe(self, due: Iterable[ScheduledProbe], context: StepContext) -> None:
        with self._probe_time():
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


def _gradient(parameter: Tensor) -> Tensor:
    """Return the parameter's gradient, zeros where the loss does not depend on it."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _divergence(what: str, loss: float, bound: float) -> str | None:
    """Return why a loss counts as divergence; None where it does not."""
    if not math.isfinite(loss):
        return f"{what} {loss}"
    return f"{what} {loss:.6g} above max_loss {bound:g}" if loss > bound else None
