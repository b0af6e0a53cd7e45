"""What a copy is, and what it is given of a trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bnsweep.copies.axes import Declared
from bnsweep.results.schema import Row

EVENT_FILES, JOURNAL = "_tensorboard", "_optuna.journal"
"""What the copies are called in a results directory."""


@dataclass(frozen=True)
class StoredTrial:
    """A trial as it is committed.

    Args:
        row: of `trials`.
        place: its value on each axis of the sweep, as JSON has it.
        tables: its rows of the other tables, in the order of their steps.
    """

    row: Row
    place: Mapping[str, Any]
    tables: Mapping[str, list[dict[str, Any]]]

    @property
    def key(self) -> str:
        """Its trial_key."""
        return str(self.row["trial_key"])

    @property
    def has_diverged(self) -> bool:
        """Whether it was stopped since its loss grew too large."""
        return bool(self.row["status"] == "diverged")

    @property
    def is_pruned(self) -> bool:
        """Whether it was stopped since others were better."""
        return bool(self.row["status"] == "pruned")

    @property
    def ended_at(self) -> datetime:
        """When it had a result."""
        ended: datetime = self.row["started_at"] + timedelta(seconds=self.row["wall_time_s"])
        return ended

    def outcome(self) -> Iterator[tuple[str, float]]:
        """Yield name and value of each number that it gave, those that are null left out."""
        yield "diverged", float(self.has_diverged)
        for column in OUTCOME:
            if (value := self.row[column]) is not None:
                yield column, float(value)


OUTCOME = (
    *("metric", "test_acc", "test_loss", "train_acc", "train_loss", "train_acc_eval", "train_loss_eval", "stop_step"),
    *("landscape_loss_range", "landscape_grad_diff", "landscape_beta", "ics_l2", "ics_cos", "sharpness", "edge_ratio"),
    *("lowest_eigenvalue", "adaptive_sharpness", "moments_mean_shift", "moments_std_shift", "effective_lr"),
    *("relative_update", "wall_time_s", "probe_time_s"),
)
"""The columns of `trials` that say in numbers what became of a trial."""


class Copy(Protocol):
    """A copy of the trials that a sweep declares."""

    def declare(self, sweep: Declared) -> set[str]:
        """Take note of the sweep whose trials follow; return the keys of those that the copy has, whole."""
        ...

    def add(self, trial: StoredTrial) -> None:
        """Add a trial that it lacks; killed meanwhile, the copy has all of it or, for the next `declare`, nothing.

        Raises:
            Exception: whatever goes wrong; nothing more is added then.
        """
        ...
