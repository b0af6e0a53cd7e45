"""Stopping under Ray: workers are asked to save what is under way, and one that hangs is not waited for without end."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from bnsweep.running.coordinator import RunStatus
from bnsweep.running.executor import Coordination, MustStop

SAY_AFTER_S = 15.0
"""Most workers come to the end of a step, where they save and stop, much sooner."""
END_AFTER_S = 120.0
"""From when a run is asked to stop; workers that are not through by then are ended.

Slurm kills a job 180 s after it has asked it to stop (`cluster/slurm.sh`), and the last commit takes its time. What is
lost is what such a worker has run since its last checkpoint.
"""


class Stopping:
    """Asks a coordinator to stop where the run must; says who is waited for; gives up whoever does not come to it.

    Args:
        service: the coordinator.
        must_stop: whether the run is to stop.
        say: told in a line who is waited for.
        clock: returns seconds.
    """

    def __init__(
        self,
        service: Coordination,
        must_stop: MustStop,
        say: Callable[[str], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._service, self._must_stop, self._say, self._clock = service, must_stop, say, clock
        self._since: float | None = None
        self._has_said = self._has_given_up = False

    def look(self, run: RunStatus | None) -> None:
        """Do what is due, given how far the run is."""
        if self._since is None:
            if self._must_stop():
                self._since = self._clock()
                self._service.stop()
            return
        waited_s = self._clock() - self._since
        if run is None or run.is_over or not run.working:
            return
        if waited_s > SAY_AFTER_S and not self._has_said:
            self._has_said = True
            self._say(_waited_for(run))
        if waited_s > END_AFTER_S and not self._has_given_up:
            self._has_given_up = True
            self._service.give_up_packs()

    def again(self) -> None:
        """Say to a coordinator that has begun anew what its predecessor was told."""
        if self._since is not None:
            self._service.stop()
        if self._has_given_up:
            self._service.give_up_packs()


def _waited_for(run: RunStatus) -> str:
    """Return in words which workers have not come to the end of a step."""
    hosts = ", ".join(f"{number} on {host}" for host, number in sorted(run.working.items()))
    return (
        f"waiting for workers to come to the end of a step and save ({hosts}); {END_AFTER_S:g} s after the stop was "
        "asked for they are ended, and what they have is run again from its last checkpoint"
    )
