"""Keeping `_progress.json` up to date: a thread of the driver writes it while trials run, and once more at the end.

A write that fails is logged and left out; it never ends the run nor makes it wait for long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

import pyarrow as pa

from bnsweep.errors import StoreError, Superseded
from bnsweep.results import Store
from bnsweep.running.progress_file import PROGRESS, RunProgress, RunState, write_progress
from bnsweep.running.provenance import job_id
from bnsweep.running.tally import Tally
from bnsweep.spec.sweep import Sweep

WRITE_EVERY_S = 10.0
MAX_WAIT_AT_END_S = 5.0
"""How long the end of a run waits for its last write."""
logger = logging.getLogger(__name__)


class Snapshot(NamedTuple):
    """The progress of a run at one moment: trials to run, workers that have some by host, how those ended that have.

    `num_declared` is 0 before the coordinator has said how many trials the run has.
    """

    num_trials: int
    working: Mapping[str, int]
    tally: Tally
    eta_s: float | None
    num_declared: int = 0

    @property
    def num_working(self) -> int:
        """How many workers train, each one trial."""
        return sum(self.working.values())


class RunOutcome(NamedTuple):
    """What a run is doing, or how it ended, and the error that ended it."""

    state: RunState
    error: str | None = None


@contextmanager
def kept_progress(
    store: Store,
    sweep: Sweep,
    snapshot: Callable[[], Snapshot],
    is_interrupted: Callable[[], bool],
    is_out_of_time: Callable[[], bool] = lambda: False,
    every_s: float = WRITE_EVERY_S,
) -> Iterator[None]:
    """Keep the file up to date for the time of the block, which is a run's; leave in it how the run ended.

    Where another run has taken the store over, the file is left to that one.
    """
    started_at, outcomes = _now(), SimpleQueue[RunOutcome | None]()

    def write_now(outcome: RunOutcome) -> None:
        _write(store, _described(sweep, snapshot(), outcome, started_at))

    writer = Thread(target=_keep_writing, args=(write_now, outcomes, every_s), name=PROGRESS, daemon=True)
    writer.start()
    outcome: RunOutcome | None = None
    try:
        yield
        is_cut_short = is_interrupted() and snapshot().tally.ended < snapshot().num_trials
        why = RunState.OUT_OF_TIME if is_out_of_time() else RunState.INTERRUPTED
        outcome = RunOutcome(why if is_cut_short else RunState.FINISHED)
    except Superseded:
        raise
    except BaseException as error:
        outcome = _outcome_of(error)
        raise
    finally:
        outcomes.put(outcome)
        writer.join(MAX_WAIT_AT_END_S)


def _keep_writing(
    write_now: Callable[[RunOutcome], None], outcomes: SimpleQueue[RunOutcome | None], every_s: float
) -> None:
    """Write at once, then every `every_s`, and once more when the run ends."""
    outcome: RunOutcome | None = RunOutcome(RunState.RUNNING)
    while outcome and outcome.state is RunState.RUNNING:
        write_now(outcome)
        try:
            outcome = outcomes.get(timeout=every_s)
        except Empty:
            continue
    if outcome:
        write_now(outcome)


def _outcome_of(error: BaseException) -> RunOutcome:
    if isinstance(error, KeyboardInterrupt):
        return RunOutcome(RunState.INTERRUPTED)
    return RunOutcome(RunState.ABORTED, str(error) or type(error).__name__)


def _described(sweep: Sweep, now: Snapshot, outcome: RunOutcome, started_at: datetime) -> RunProgress:
    num_trials = now.num_declared or len(sweep.trials)
    return RunProgress(
        job=job_id(),
        sweep=sweep.name,
        num_trials=num_trials,
        had_result_before=num_trials - now.num_trials,
        completed=now.tally.completed,
        diverged=now.tally.diverged,
        pruned=now.tally.pruned,
        failed=now.tally.failed,
        running=now.num_working if outcome.state is RunState.RUNNING else 0,
        workers=now.num_working,
        hosts=dict(now.working),
        eta_s=now.eta_s if outcome.state is RunState.RUNNING else None,
        state=outcome.state,
        error=outcome.error,
        started_at=started_at,
        updated_at=_now(),
    )


def _write(store: Store, progress: RunProgress) -> None:
    try:
        write_progress(store, progress)
    except (StoreError, OSError, pa.ArrowException) as error:
        logger.info("%s was not written: %s", store.path(PROGRESS), error)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
