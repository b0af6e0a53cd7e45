"""What every executor does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bnsweep.executors.pack import Job, Pack, Tally
from bnsweep.sweep import Resources

Report = Callable[[int, Tally], None]
"""Called with a pack's number and its tally so far, whenever the executor hears of it."""


@dataclass(frozen=True)
class Lost:
    """A pack that was given up: its worker died again and again. Nothing of it was committed."""

    pack: int
    error: str
    traceback: str


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

    def run(self, packs: Sequence[Pack], job: Job, resources: Resources, report: Report) -> list[Lost]:
        """Run every pack, each committed by its worker; return the ones given up."""
        ...
