"""Keeping `_progress.json` up to date: a thread of the driver writes it while trials run, and once more at the end.

A write that fails is logged and left out; it never ends the run nor makes it wait for long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

import pyarrow as pa

from bnsweep.errors import StoreError, Superseded
from bnsweep.results import Store
from bnsweep.running.packs import Tally
from bnsweep.running.progress_file import PROGRESS, RunProgress, RunState, write_progress
from bnsweep.running.provenance import job_id
from bnsweep.spec.sweep import Sweep

WRITE_EVERY_S = 10.0
MAX_WAIT_AT_END_S = 5.0
"""How long the end of a run waits for its last write."""
logger = logging.getLogger(__name__)


class Snapshot(NamedTuple):
    """The progress of a run at one moment: trials to run, how those ended that have, and how many are running."""

    num_trials: int
    num_workers: int
    tally: Tally
    running: int
    eta_s: float | None


class Ending(NamedTuple):
    """What a run is doing, or how it ended, and the error that ended it."""

    state: RunState
    error: str | None = None


@contextmanager
def kept_progress(
    store: Store,
    sweep: Sweep,
    snapshot: Callable[[], Snapshot],
    is_interrupted: Callable[[], bool],
    every_s: float = WRITE_EVERY_S,
) -> Iterator[None]:
    """Keep the file up to date for the time of the block, which is a run's; leave in it how the run ended.

    Where another run has taken the store over, the file is left to that one.
    """
    started_at, endings = _now(), SimpleQueue[Ending | None]()

    def write_now(ending: Ending) -> None:
        _write(store, _described(sweep, snapshot(), ending, started_at))

    writer = Thread(target=_keep_writing, args=(write_now, endings, every_s), name=PROGRESS, daemon=True)
    writer.start()
    ending: Ending | None = None
    try:
        yield
        is_cut_short = is_interrupted() and snapshot().tally.ended < snapshot().num_trials
        ending = Ending(RunState.INTERRUPTED if is_cut_short else RunState.FINISHED)
    except Superseded:
        raise
    except BaseException as error:
        ending = _ending_of(error)
        raise
    finally:
        endings.put(ending)
        writer.join(MAX_WAIT_AT_END_S)


def _keep_writing(write_now: Callable[[Ending], None], endings: SimpleQueue[Ending | None], every_s: float) -> None:
    """Write at once, then every `every_s`, and once more when the run ends."""
    ending: Ending | None = Ending(RunState.RUNNING)
    while ending and ending.state is RunState.RUNNING:
        write_now(ending)
        try:
            ending = endings.get(timeout=every_s)
        except Empty:
            continue
    if ending:
        write_now(ending)


def _ending_of(error: BaseException) -> Ending:
    if isinstance(error, KeyboardInterrupt):
        return Ending(RunState.INTERRUPTED)
    return Ending(RunState.FAILED, str(error) or type(error).__name__)


def _described(sweep: Sweep, now: Snapshot, ending: Ending, started_at: datetime) -> RunProgress:
    return RunProgress(
        job=job_id(),
        sweep=sweep.name,
        num_trials=len(sweep.trials),
        had_result_before=len(sweep.trials) - now.num_trials,
        completed=now.tally.completed,
        diverged=now.tally.diverged,
        failed=now.tally.failed,
        running=now.running if ending.state is RunState.RUNNING else 0,
        workers=now.num_workers,
        eta_s=now.eta_s if ending.state is RunState.RUNNING else None,
        state=ending.state,
        error=ending.error,
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
