"""What is under way: hands out packs, and takes back what became of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bnsweep.results import Store
from bnsweep.running.packs import Pack, Tally
from bnsweep.running.trial_pool import TrialPool

MAX_WORKER_FAILURES = 3
"""Workers that a trial may take along, each with nothing but this trial to run, before it counts as failed."""


@dataclass(frozen=True)
class WorkerFailure:
    """Why a worker did not finish its pack.

    Args:
        error: one line.
        traceback: all that is known.
        log: path of the worker's log.
        log_tail: how that log ends.
        host: the machine it ran on.
        is_preemption: its machine was taken away, which says nothing of the trial.
    """

    error: str
    traceback: str
    log: str | None = None
    host: str | None = None
    log_tail: str | None = None
    is_preemption: bool = False


class PackQueue:
    """Packs to come and packs out, each out under a number of its own.

    Which trial of a pack made its worker die is not known from outside. So the trials of a lost pack are handed out
    once more, each alone; one that takes `MAX_WORKER_FAILURES` workers along when alone is given up and recorded in
    `failures/`. A preemption is no failure.
    """

    def __init__(self, pool: TrialPool, store: Store, token: str | None = None) -> None:
        self._pool, self._returned = pool, deque[Pack]()
        self._is_closed = False
        self._out: dict[int, Pack] = {}
        self._taken = 0
        self._store, self._token = store, token

    @property
    def is_finished(self) -> bool:
        """Whether nothing waits and nothing is out."""
        return not (self._pool or self._returned or self._out)

    @property
    def num_out(self) -> int:
        """How many packs are out."""
        return len(self._out)

    def take(self) -> tuple[int, Pack] | None:
        """Hand out a pack under a new number; None where none waits, though one that is out may come back."""
        if not (self._pool or self._returned):
            return None
        number, self._taken = self._taken, self._taken + 1
        self._out[number] = self._pool.next_pack() if self._pool else self._returned.popleft()
        return number, self._out[number]

    def close(self) -> None:
        """Hand out no more, whatever comes back."""
        self._pool.clear()
        self._returned.clear()
        self._is_closed = True

    def ended(self, number: int, tally: Tally) -> None:
        """Take note that a worker is through with a pack; what was short of memory waits again, alone."""
        self._pool.sizing.timed(tally)
        pack, short = self._out.pop(number), set(tally.short_of_memory)
        self._put_back(
            replace(single, has_whole_gpus=True) for single in _singles(pack) if single.trials[0].trial_key in short
        )

    def worker_failed(self, number: int, failure: WorkerFailure) -> Tally:
        """Take a pack back whose worker died; return the tally of what it had committed, or is given up."""
        pack = self._out.pop(number)
        outcomes = self._store.outcomes(spec.trial_key for spec in pack.trials)
        saved = frozenset(self._store.checkpoints())
        left = [single for single in _singles(pack) if single.trials[0].trial_key not in outcomes]
        left = [replace(single, saved=saved & {single.trials[0].trial_key}) for single in left]
        if left and pack.is_alone and not failure.is_preemption:
            left = [replace(single, worker_failures=single.worker_failures + 1) for single in left]
            if left[0].worker_failures >= MAX_WORKER_FAILURES:
                self._give_up(pack, failure)
                return Tally(failed=1)
        self._put_back([_together(left)] if left and failure.is_preemption else left)
        statuses = [outcomes[spec.trial_key] for spec in pack.trials if spec.trial_key in outcomes]
        diverged = statuses.count("diverged")
        return Tally(completed=len(statuses) - diverged, diverged=diverged)

    def _put_back(self, packs: Iterable[Pack]) -> None:
        if not self._is_closed:
            self._returned.extend(packs)

    def _give_up(self, pack: Pack, failure: WorkerFailure) -> None:
        row = {
            "trial_key": pack.trials[0].trial_key,
            "attempt": pack.attempts[0],
            "error": failure.error,
            "traceback": failure.traceback,
            "log": failure.log,
            "failed_at": datetime.now(UTC),
            "log_tail": failure.log_tail,
            "spec": pack.trials[0].to_json(),
        }
        self._store.record_failure(row | ({"host": failure.host} if failure.host else {}), self._token)


def _singles(pack: Pack) -> list[Pack]:
    """Return one pack for each trial, to be run alone in its next attempt."""
    return [
        replace(pack, trials=(spec,), attempts=(attempt + 1,), is_alone=True, saved=pack.saved & {spec.trial_key})
        for spec, attempt in zip(pack.trials, pack.attempts, strict=True)
    ]


def _together(singles: Sequence[Pack]) -> Pack:
    """Return the one pack of these trials; in a pack of several a lost worker counts against none of them."""
    return replace(
        singles[0],
        trials=tuple(single.trials[0] for single in singles),
        attempts=tuple(single.attempts[0] for single in singles),
        saved=frozenset[str]().union(*(single.saved for single in singles)),
        is_alone=len(singles) == 1 and singles[0].worker_failures > 0,
    )
