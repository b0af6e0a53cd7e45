"""Start-up: a run is prepared, for which PyTorch is imported, while its executor starts. Both take seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bnsweep.executors import Executor
from bnsweep.plan import Plan
from bnsweep.results import Store
from bnsweep.run import Prepared
from bnsweep.sweep import Sweep


@contextmanager
def started(
    sweep: Sweep, store: Store, plan: Plan, executor: Executor, check: Callable[[Prepared], None] | None = None
) -> Iterator[Prepared]:
    """Start the executor for the time of the block, unless nothing is missing; give it a run that is prepared.

    Args:
        sweep: what is declared.
        store: where results go.
        plan: what is missing.
        executor: what is to run it.
        check: called with what is prepared before anything starts.

    Raises:
        InputError: the run cannot be prepared, or the executor not be started.
    """
    if not plan.missing:
        yield Prepared(sweep, store, plan, {}, ())
        return
    with ThreadPoolExecutor(1) as thread:
        preparing = thread.submit(_prepare, sweep, store, plan)
        if check:
            check(preparing.result())
        with executor:
            yield preparing.result()


def _prepare(sweep: Sweep, store: Store, plan: Plan) -> Prepared:
    from bnsweep.prepare import prepare  # imports PyTorch

    return prepare(sweep, store, plan)
