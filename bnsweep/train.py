"""One trial: builds the model, trains it, probes it, and returns its rows. Knows nothing of Ray or files."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Self

import pyarrow as pa
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnsweep.data import Dataset
from bnsweep.init import initialize
from bnsweep.models import build_model
from bnsweep.norm import set_step
from bnsweep.optim import OPTIMIZERS
from bnsweep.probes import ScheduledProbe, build_probes
from bnsweep.probes.context import RngState, StepContext, buffer_copies, capture_rng, parameter_copies
from bnsweep.results.schema import CURVES, Row
from bnsweep.seeding import derive
from bnsweep.spec import TrialSpec

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
    """Train `spec` on the device that holds `data`.

    The result depends on `spec`, `data` and the kind of device alone. Divergence, a mini-batch loss or a final test
    loss that is not finite or exceeds `train.max_loss`, is a result: the trial ends there with status `diverged`.
    """
    device = data.train_x.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(derive(spec.seed, "torch"))
        return _Training(spec, data).run()


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


@dataclass(frozen=True)
class _Before:
    """The state before a step's forward, copied only where a probe will ask for it."""

    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    rng_state: RngState

    @classmethod
    def of(cls, model: nn.Module, device: torch.device) -> Self:
        return cls(parameter_copies(model), buffer_copies(model), capture_rng(device))


class _Training:
    """A trial under way: the model, its optimizer, and what was measured so far."""

    def __init__(self, spec: TrialSpec, data: Dataset) -> None:
        self.spec, self.data, self.result = spec, data, TrialResult(data.num_classes)
        self.model = prepare_model(spec, data).train()
        self.optimizer = OPTIMIZERS[spec.train.optimizer](self.model.parameters(), spec)
        self.probes = build_probes(spec.probes, spec.train.steps)
        for probe in self.probes:
            self.result.tables[probe.table], self.result.schemas[probe.table] = [], probe.schema

    def run(self) -> TrialResult:
        train, num_samples = self.spec.train, len(self.data.train_y)
        last_epoch: deque[tuple[float, float]] = deque(maxlen=num_samples // train.batch_size)
        for step, index in enumerate(batch_indices(num_samples, train.batch_size, train.steps, self.spec.seed)):
            x, y = self.data.standardize(self.data.train_x[index]), self.data.train_y[index]
            row = self._evaluation(step) if train.eval_every and step % train.eval_every == 0 else {}
            loss, accuracy, grad_norm = self._update(step, x, y)
            last_epoch.append((loss, accuracy))
            diverged = _divergence("mini-batch loss", loss, train.max_loss)
            if row or diverged or step % train.log_every == 0:
                row |= {"step": step, "train_loss": loss, "train_acc": accuracy, "grad_norm": grad_norm}
                self.result.tables["curves"].append(row)
            if diverged:
                return self._stop(step, diverged)
        return self._finish(last_epoch)

    def _update(self, step: int, x: Tensor, y: Tensor) -> tuple[float, float, float | None]:
        """Make one update, unless the loss diverged, and probe it; return loss, accuracy, gradient norm before it."""
        due = [probe for probe in self.probes if probe.due(step)]
        set_step(self.model, step)
        before = _Before.of(self.model, x.device) if due else None
        logits = self.model(x)
        loss = F.cross_entropy(logits, y)
        value, accuracy = loss.item(), (logits.argmax(1) == y).float().mean().item()
        if _divergence("mini-batch loss", value, self.spec.train.max_loss):
            return value, accuracy, None
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        gradients = {name: _gradient(w) for name, w in self.model.named_parameters()}
        grad_norm = nn.utils.get_total_norm(gradients.values()).item()
        self.optimizer.step()
        if before:
            context = StepContext(
                model=self.model,
                x=x,
                y=y,
                loss_fn=F.cross_entropy,
                step=step,
                lr=self.spec.lr,
                loss=value,
                params_before=before.parameters,
                params_after={name: w.detach() for name, w in self.model.named_parameters()},
                buffers=before.buffers,
                grads=gradients,
                rng_state=before.rng_state,
            )
            self._probe(due, context)
        return value, accuracy, grad_norm

    def _probe(self, due: list[ScheduledProbe], context: StepContext) -> None:
        started = perf_counter()
        for probe in due:
            self.result.tables[probe.table].extend(probe.measure(context))
        self.result.probe_time_s += perf_counter() - started

    def _evaluation(self, step: int) -> dict[str, Any]:
        loss, accuracy = evaluate(self.model, self.data)
        return {"step": step, "test_loss": loss, "test_acc": accuracy}

    def _stop(self, step: int, reason: str) -> TrialResult:
        self.result.status, self.result.stop_step, self.result.stop_reason = "diverged", step, reason
        return self.result

    def _finish(self, last_epoch: Collection[tuple[float, float]]) -> TrialResult:
        steps, result = self.spec.train.steps, self.result
        row = self._evaluation(steps)
        result.tables["curves"].append(row)
        if diverged := _divergence("test loss", row["test_loss"], self.spec.train.max_loss):
            return self._stop(steps, diverged)
        result.stop_step = steps
        result.train_loss, result.train_acc = (
            sum(values) / len(last_epoch) for values in zip(*last_epoch, strict=True)
        )
        result.test_loss, result.test_acc = row["test_loss"], row["test_acc"]
        return result


def _gradient(parameter: Tensor) -> Tensor:
    """Return the parameter's gradient, zeros where the loss does not depend on it."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _divergence(what: str, loss: float, bound: float) -> str | None:
    """Return why a loss counts as divergence; None where it does not."""
    if not math.isfinite(loss):
        return f"{what} {loss}"
    return f"{what} {loss:.6g} above max_loss {bound:g}" if loss > bound else None
