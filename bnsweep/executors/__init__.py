"""Executors bring up workers: in this process, or under Ray Tune. One contract suite holds for both."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bnsweep.errors import InputError, did_you_mean
from bnsweep.running.executor import Executor, MustStop, Report
from bnsweep.running.packs import Pack, RunContext
from bnsweep.running.tally import Tally

EXECUTORS = ("ray", "serial")
"""Every executor of the command line by name."""


def check_options(name: str, address: str | None, max_workers: int | None) -> None:
    """Check that there is such an executor, and that the options go with it.

    Raises:
        InputError: there is none, or they do not.
    """
    if name not in EXECUTORS:
        raise InputError(f"--executor: given {name!r}; {did_you_mean(name, EXECUTORS)}")
    if name == "serial" and address:
        raise InputError(f"--address {address}: goes with --executor ray; serial runs in this process")
    if name == "serial" and max_workers not in (None, 1):
        raise InputError(f"--workers {max_workers}: goes with --executor ray; serial is one worker")


def make_executor(
    name: str,
    address: str | None = None,
    *,
    cpus: int | None = None,
    max_workers: int | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> Executor:
    """Return the executor of that name; Ray is only imported where it is asked for.

    Args:
        name: one of `EXECUTORS`.
        address: of a Ray cluster; without it Ray is started here.
        cpus: processors that a Ray started here may use; all that there are if not given.
        max_workers: workers at most; as many as fit if not given.
        announce: called with a line on what takes a while.

    Raises:
        InputError: there is no such executor, or the options do not go with it.
    """
    check_options(name, address, max_workers)
    if name == "serial":
        from bnsweep.executors.serial import SerialExecutor

        return SerialExecutor(announce)
    with without_word_of_widgets():
        from bnsweep.executors.ray_tune import RayTuneExecutor

    return RayTuneExecutor(address, cpus, max_workers, announce)


@contextmanager
def without_word_of_widgets() -> Iterator[None]:
    """In a notebook Ray and tqdm ask for widgets when they are imported; what needs them is not shown here."""
    logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        yield


__all__ = [
    "EXECUTORS",
    "Executor",
    "MustStop",
    "Pack",
    "Report",
    "RunContext",
    "Tally",
    "check_options",
    "make_executor",
]
