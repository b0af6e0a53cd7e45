"""What every executor does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bnsweep.results import Store
from bnsweep.running.packs import RunContext, Tally
from bnsweep.running.queue import PackQueue
from bnsweep.spec.resources import Resources

Report = Callable[[int, Tally], None]
"""Called with a pack's number and its tally so far, whenever the executor hears of it."""

MustStop = Callable[[], bool]
"""Whether the run is to stop; raises `Superseded` where it no longer holds the store."""


class Executor(Protocol):
    """Runs packs; a context manager, since it may hold a cluster."""

    def __enter__(self) -> Executor:
        """Start what it needs."""
        ...

    def __exit__(self, *exception: object) -> None:
        """Shut down what it started."""
        ...

    def num_workers(self, resources: Resources) -> int:
        """Return how many workers with these resources fit at once.

        Raises:
            InputError: not even one fits.
        """
        ...

    def check_place(self, store: Store) -> None:
        """Check that every worker writes to the same place.

        Raises:
            InputError: the results are on a disk that not all workers share.
        """
        ...

    def run(
        self, queue: PackQueue, context: RunContext, resources: Resources, report: Report, must_stop: MustStop
    ) -> None:
        """Run packs until the queue is finished, or `must_stop()`: then workers commit what finished, and no more.

        Raises:
            StoreError: a worker could not write its results, or `must_stop` raised it.
        """
        ...
