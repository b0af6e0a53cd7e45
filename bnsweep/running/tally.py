"""How many trials of a run have ended, and how."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tally:
    """How many trials have ended, and how.

    Args:
        completed: trained to the end.
        diverged: stopped, which is a result.
        pruned: stopped since others were better, which is one too.
        failed: gave no result, and are not tried again in this run.
        busy_s: what workers took for all of them.
    """

    completed: int = 0
    diverged: int = 0
    pruned: int = 0
    failed: int = 0
    busy_s: float = field(default=0.0, compare=False)

    @property
    def ended(self) -> int:
        """Trials that will not run again in this run."""
        return self.completed + self.diverged + self.pruned + self.failed

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.completed + other.completed,
            self.diverged + other.diverged,
            self.pruned + other.pruned,
            self.failed + other.failed,
            self.busy_s + other.busy_s,
        )
