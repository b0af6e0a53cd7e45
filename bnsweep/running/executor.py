"""What every executor does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from bnsweep.running.coordinator import RunStatus
from bnsweep.running.job import Job, ServiceStatus
from bnsweep.running.packs import Desk, RunContext
from bnsweep.spec.resources import Resources

Report = Callable[[RunStatus], None]
"""Called with how far the run is, again and again."""

MustStop = Callable[[], bool]
"""Whether the run is to stop."""


class Coordination(Desk, Protocol):
    """The coordinator as the process sees it that has started it."""

    def status(self) -> ServiceStatus:
        """Return how far it is."""
        ...

    def stop(self) -> None:
        """Hand out no more, and have workers save what is under way."""
        ...

    def give_up_packs(self) -> None:
        """Be over without what workers still have, where the run is to stop."""
        ...

    def missing(self) -> list[str]:
        """Return the keys of the trials that have no result."""
        ...


class Executor(Protocol):
    """Brings up a coordinator, and workers; a context manager, since it may hold a cluster."""

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

    def coordinating(self, job: Job) -> AbstractContextManager[Coordination]:
        """Have a coordinator for the time of the block."""
        ...

    def run(
        self,
        coordination: Coordination,
        context: RunContext,
        resources: Resources,
        report: Report,
        must_stop: MustStop,
    ) -> None:
        """Run what the coordinator that `coordinating` gave hands out, until it is over.

        Raises:
            StoreError: results cannot be written, or another run has taken the directory over. StartError: workers do
                not come up. DeviceLost: this process can use its GPU no more.
        """
        ...
