"""Executors run packs: in this process, or under Ray Tune. One contract suite holds for both."""

from __future__ import annotations

from bnsweep.errors import InputError
from bnsweep.running.executor import Executor, MustStop, Report
from bnsweep.running.packs import Pack, RunContext, Tally
from bnsweep.running.queue import PackQueue

EXECUTORS = ("ray", "serial")
"""Every executor of the command line by name."""


def make_executor(name: str, address: str | None = None) -> Executor:
    """Return the executor of that name; Ray is only imported where it is asked for."""
    if name == "serial" and address:
        raise InputError(f"--address {address}: goes with --executor ray; serial runs in this process")
    if name == "serial":
        from bnsweep.executors.serial import SerialExecutor

        return SerialExecutor()
    from bnsweep.executors.ray_tune import RayTuneExecutor

    return RayTuneExecutor(address)


__all__ = ["EXECUTORS", "Executor", "MustStop", "Pack", "PackQueue", "Report", "RunContext", "Tally", "make_executor"]
