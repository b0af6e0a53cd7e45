"""A trial that failed, with its attempts."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any, Self

from bnsweep.error_texts import shown
from bnsweep.results import Store
from bnsweep.results.schema import FAILURES
from bnsweep.spec.trial import AXES

LONG_COLUMNS = ("traceback", "log_tail")
"""Up to 64 KiB a row."""


@dataclass(frozen=True)
class FailedTrial:
    """A trial and its failed attempts, as rows of `failures/`, the last attempt last."""

    key: str
    attempts: tuple[dict[str, Any], ...]
    has_result: bool

    @property
    def last(self) -> dict[str, Any]:
        """Its last failed attempt."""
        return self.attempts[-1]

    @property
    def error(self) -> str:
        """The error of its last failed attempt, in one line."""
        return shown(str(self.last["error"] or "unknown"))

    @property
    def spec(self) -> dict[str, Any]:
        """The fields of its spec; none where it was not stored."""
        return dict(json.loads(self.last["spec"] or "{}"))

    @property
    def axes(self) -> str:
        """Its norm, init, init_gain, lr and seed, as far as they were stored."""
        return ", ".join(f"{axis} {self.spec[axis]}" for axis in AXES if axis in self.spec) or "spec not stored"

    @property
    def title(self) -> str:
        """Its key, its axes, and whether it has a result by now."""
        return f"{self.key}: {self.axes}{'; has a result now' if self.has_result else ''}"

    @property
    def log(self) -> str:
        """Where its worker's log was."""
        return f"{self.last['log']} on {self.last['host']}" if self.last["log"] else f"none, on {self.last['host']}"

    def repro(self, directory: str) -> str:
        """Return the command that runs it again."""
        return f"bnsweep repro {shlex.quote(directory)} {self.key}"

    @classmethod
    def load(cls, store: Store, *, with_logs: bool = False) -> list[Self]:
        """Return every trial that ever failed, the one that failed last at the end; `LONG_COLUMNS` only if asked."""
        finished, attempts = store.finished(), dict[str, list[dict[str, Any]]]()
        columns = None if with_logs else [name for name in FAILURES.names if name not in LONG_COLUMNS]
        rows = store.read("failures", columns).sort_by([("trial_key", "ascending"), ("attempt", "ascending")])
        for row in rows.to_pylist():
            attempts.setdefault(row["trial_key"], []).append(row)
        every = [cls(key, tuple(failed), key in finished) for key, failed in attempts.items()]
        return sorted(every, key=lambda trial: trial.last["failed_at"])
