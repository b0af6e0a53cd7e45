"""Why trials failed: what is printed where a run ends, and by `bnsweep failures`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.schema import FAILURES
from bnsweep.spec.trial import AXES

MAX_ERRORS = 3
"""Distinct errors that are printed where a run ends."""
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
        """The error of its last failed attempt, its first line."""
        return str(self.last["error"] or "unknown").partition("\n")[0]

    @property
    def axes(self) -> str:
        """Its norm, init, init_gain, lr and seed, as far as they were stored."""
        spec = json.loads(self.last["spec"] or "{}")
        return ", ".join(f"{axis} {spec[axis]}" for axis in AXES if axis in spec) or "spec not stored"

    @property
    def log(self) -> str:
        """Where its worker's log was."""
        return f"{self.last['log']} on {self.last['host']}" if self.last["log"] else f"none, on {self.last['host']}"

    @classmethod
    def load(cls, store: Store, *, with_logs: bool = False) -> list[Self]:
        """Return every trial that ever failed, in the order of their keys; `LONG_COLUMNS` only if asked."""
        finished, attempts = store.finished(), dict[str, list[dict[str, Any]]]()
        columns = None if with_logs else [name for name in FAILURES.names if name not in LONG_COLUMNS]
        rows = store.read("failures", columns).sort_by([("trial_key", "ascending"), ("attempt", "ascending")])
        for row in rows.to_pylist():
            attempts.setdefault(row["trial_key"], []).append(row)
        return [cls(key, tuple(failed), key in finished) for key, failed in attempts.items()]


def end_of_run(store: Store, left: Sequence[str], directory: str) -> Iterator[str]:
    """Yield why the trials failed that a run leaves without a result: the most frequent errors, each with a trial."""
    yield f"{_counted(len(left), 'trial')} failed; the same command tries them again"
    failed, by_error = {trial.key: trial for trial in FailedTrial.load(store)}, dict[str, list[FailedTrial]]()
    for trial in (failed[key] for key in left if key in failed):
        by_error.setdefault(trial.error, []).append(trial)
    for error, trials in sorted(by_error.items(), key=lambda item: -len(item[1]))[:MAX_ERRORS]:
        example = trials[0]
        yield f"{_counted(len(trials), 'trial')}: {error}"
        yield f"  such as {example.key}: {example.axes}"
        yield f"  log: {example.log}"
    if len(by_error) > MAX_ERRORS:
        yield f"and {_counted(len(by_error) - MAX_ERRORS, 'other error')}"
    yield f"bnsweep failures {directory} [KEY]    each of them; with a KEY its traceback and the end of its log"


def overview(store: Store, *, with_succeeded: bool) -> Iterator[str]:
    """Yield a line for each failed trial without a result; `with_succeeded` also for those that have one by now."""
    every = FailedTrial.load(store)
    unresolved = [trial for trial in every if not trial.has_result]
    for trial in every if with_succeeded else unresolved:
        times = f"{_counted(len(trial.attempts), 'attempt')} failed"
        since = ", has a result now" if trial.has_result else ""
        yield f"{trial.key}: {trial.axes}; {times}{since}: {trial.error}"
    num_succeeded = len(every) - len(unresolved)
    others = f"; {num_succeeded} that failed before have a result now{'' if with_succeeded else ' (--all lists them)'}"
    count = _counted(len(unresolved), "trial") if unresolved else "no trial"
    yield f"{count} failed without a later result{others if num_succeeded else ''}"


def details(store: Store, key: str, directory: str) -> Iterator[str]:
    """Yield all that is known of the one failed trial whose key begins with `key`.

    Raises:
        InputError: no failed trial begins with it, or several do.
    """
    found = [trial for trial in FailedTrial.load(store, with_logs=True) if trial.key.startswith(key)]
    if len(found) != 1:
        problem = f"{len(found)} failed trials begin with it" if found else "no failed trial begins with it"
        raise InputError(f"{key}: {problem}; `bnsweep failures {directory} --all` lists them")
    (trial,) = found
    yield f"{trial.key}: {trial.axes}{'; has a result now' if trial.has_result else ''}"
    for attempt in trial.attempts:
        yield f"attempt {attempt['attempt']}, {attempt['failed_at']:%Y-%m-%d %H:%M:%S} UTC: {attempt['error']}"
    yield str(trial.last["traceback"]).rstrip()
    yield f"log: {trial.log}"
    yield (trial.last["log_tail"] or "(nothing of it is stored)").rstrip()


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
