"""A run: what is declared minus what is stored, cut into packs and handed to an executor. Loads without torch."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnsweep.errors import Superseded
from bnsweep.results import Store
from bnsweep.running.executor import Executor, Report
from bnsweep.running.pack_sizing import PackSizing
from bnsweep.running.packs import RunContext
from bnsweep.running.plan import Plan
from bnsweep.running.provenance import git_sha
from bnsweep.running.queue import PackQueue
from bnsweep.running.trial_pool import TrialPool
from bnsweep.spec.sweep import Sweep

if TYPE_CHECKING:
    from bnsweep.data import Dataset


@dataclass(frozen=True)
class Prepared:
    """A run that was checked and can start: nothing is written yet."""

    sweep: Sweep
    store: Store
    plan: Plan
    datasets: dict[str, Dataset]
    notes: tuple[str, ...]


def run(
    prepared: Prepared,
    executor: Executor,
    start: Callable[[int, int], Report],
    *,
    during: AbstractContextManager[object] = nullcontext(),  # noqa: B008  # holds nothing
    is_interrupted: Callable[[], bool] = lambda: False,
    checkpoint_every_s: float = 600.0,
) -> list[str]:
    """Run the missing trials; return the keys of those that have no result in the end.

    Args:
        prepared: what to run.
        executor: what runs it; it has started, unless nothing is missing.
        start: called with num_trials and num_workers before the first of them; returns where reports go.
        during: entered when the first of them may begin, left before another run may hold the directory.
        is_interrupted: asked all the time; once it says yes, what finished is committed and nothing more is begun.
        checkpoint_every_s: how often a trial that takes long is saved.

    Raises:
        InputError: another run holds the directory, or not all workers share it. StoreError: results cannot be written.
    """
    sweep, store, missing = prepared.sweep, prepared.store, prepared.plan.missing
    with ExitStack() as stack:
        if missing:
            executor.check_place(store)
        num_workers = executor.num_workers(sweep.resources) if missing else 0
        hold = stack.enter_context(store.lock())
        store.begin(hold.token)
        store.recover()
        store.declare(sweep.name, sweep.trials.trial_keys(), sweep.text)
        missing = Plan.of(sweep, store).missing  # once more, now that no other run can commit
        if not missing:
            with during:  # what a killed run left of its progress is put right
                return []

        def must_stop() -> bool:
            if hold.is_lost():
                raise Superseded(f"{store.root}: another run has taken it over; this one commits nothing any more")
            return is_interrupted()

        pool = TrialPool(missing, PackSizing(num_workers), store.attempts(), frozenset(store.checkpoints()))
        context = RunContext(sweep.name, store, hold.token, git_sha(), prepared.datasets, checkpoint_every_s)
        report = start(len(missing), num_workers)
        stack.enter_context(during)
        executor.run(PackQueue(pool, store, hold.token), context, sweep.resources, report, must_stop)
        store.begin(uuid.uuid4().hex)  # a worker that was given up for dead commits nothing from here on
        store.recover()  # and what it committed before, another one may have committed too
    return list(Plan.of(sweep, store).missing.trial_keys())
