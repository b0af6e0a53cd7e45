"""A trial that failed, with its attempts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bnsweep.error_texts import shown
from bnsweep.results import Store
from bnsweep.results.schema import FAILURES
from bnsweep.spec.sweep import axis_names
from bnsweep.spec.trial import AXES

LONG_COLUMNS = ("traceback", "log_tail")
"""Up to 64 KiB a row."""


@dataclass(frozen=True)
class FailedTrial:
    """A trial and its failed attempts, as rows of `failures/`, the last attempt last, and its sweep's axes."""

    key: str
    attempts: tuple[dict[str, Any], ...]
    has_result: bool
    declared_axes: tuple[str, ...] = ()

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
    def fields(self) -> dict[str, Any]:
        """The fields of its spec by their dotted names; none where it was not stored."""
        return _flat(self.spec)

    @property
    def axes(self) -> str:
        """Its norm, init, init_gain, lr, seed and what else its sweep varies, as far as they were stored."""
        fields = self.fields
        named = [axis for axis in dict.fromkeys((*AXES, *self.declared_axes)) if axis in fields]
        return ", ".join(f"{axis} {fields[axis]}" for axis in named) or "spec not stored"

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
        declared = store.declared() if attempts else None
        axes = tuple(axis_names(declared["sweep_file"])) if declared else ()
        every = [cls(key, tuple(failed), key in finished, axes) for key, failed in attempts.items()]
        return sorted(every, key=lambda trial: trial.last["failed_at"])


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the fields of a spec by their dotted names.

    >>> _flat({"lr": 0.1, "train": {"steps": 5}})
    {'lr': 0.1, 'train.steps': 5}
    """
    flat = dict[str, Any]()
    for name, value in fields.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
