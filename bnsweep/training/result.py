"""What a trial gave, and when its loss counts as divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

import pyarrow as pa

from bnsweep.results.schema import CURVES, Row


@dataclass
class TrialResult:
    """What a trial gave: how it ended, and the rows of its metric tables, without the columns that name it."""

    num_classes: int | None
    status: str = "completed"
    stop_step: int = 0
    stop_reason: str | None = None
    pruner: str | None = None
    tables: dict[str, list[Row]] = field(default_factory=lambda: {"curves": []})
    schemas: dict[str, pa.Schema] = field(default_factory=lambda: {"curves": CURVES})
    train_loss: float | None = None
    train_acc: float | None = None
    test_loss: float | None = None
    test_acc: float | None = None
    test_loss_running: float | None = None
    test_acc_running: float | None = None
    train_loss_eval: float | None = None
    train_acc_eval: float | None = None
    test_loss_constant: float | None = None
    metric: float | None = None
    probe_time_s: float = 0.0

    @property
    def has_diverged(self) -> bool:
        """Whether the trial ended because its loss diverged."""
        return self.status == "diverged"

    def state_dict(self) -> dict[str, Any]:
        """Return it as plain values, but for the schemas."""
        names = [field.name for field in fields(self) if field.name != "schemas"]
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Become what `state_dict` was of."""
        for name, value in state.items():
            setattr(self, name, value)

    def diverge(self, step: int, reason: str) -> None:
        """Note that the loss diverged after `step` updates."""
        self.status, self.stop_step, self.stop_reason = "diverged", step, reason

    def prune(self, step: int, rule: str) -> None:
        """Note that a pruner with this rule has stopped the trial after `step` updates."""
        self.status, self.stop_step, self.stop_reason = "pruned", step, "others were better at this step"
        self.pruner = rule


def divergence(what: str, loss: float, max_loss: float) -> str | None:
    """Return why a loss counts as divergence: not finite, or above `max_loss`; None where it does not.

    >>> divergence("test loss", 12.5, max_loss=10)
    'test loss 12.5 above max_loss 10'
    """
    if not math.isfinite(loss):
        return f"{what} {loss}"
    return f"{what} {loss:.6g} above max_loss {max_loss:g}" if loss > max_loss else None


def score_of(row: Row) -> float:
    """Return how good a model is by an evaluation: its accuracy on the test set, with real targets less of a loss.

    >>> score_of({"test_acc": 0.5, "test_loss": 0.1}), score_of({"test_acc": None, "test_loss": 0.1})
    (0.5, -0.1)
    """
    accuracy = row["test_acc"]
    return float(-row["test_loss"] if accuracy is None else accuracy)
