"""Start-up: PyTorch is loaded while the executor starts. Both take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bnsweep.results import Store
from bnsweep.running.executor import Executor
from bnsweep.running.leaving import load_meanwhile
from bnsweep.running.own_code import check_own_code
from bnsweep.running.plan import Plan
from bnsweep.running.run import Prepared
from bnsweep.spec.sweep import Sweep


@contextmanager
def started(sweep: Sweep, store: Store, plan: Plan, executor: Executor) -> Iterator[Prepared]:
    """Start the executor for the time of the block, unless nothing is missing; give it a run that is prepared.

    Raises:
        InputError: the executor cannot be started, or the run not be prepared.
    """
    if not plan.missing:
        yield Prepared(sweep, store, plan, {}, ())
        return
    load_meanwhile("bnsweep.running.prepare")
    check_own_code(plan.missing)
    with executor:
        from bnsweep.running.prepare import prepare

        yield prepare(sweep, store, plan)
