"""Runs on one machine share its processors: each holds a lease on those that it uses, and takes what others leave.

A lease is a file in a folder of the user's that says how many processors and out of which, and is locked as long as
the run lives: the kernel drops the lock of a run that is killed. Runs that are kept to different processors, such as
jobs of Slurm, take nothing from each other. Nothing rests on it: where files cannot be locked, as on some network file
systems, each run takes all, and says so.
"""

from __future__ import annotations

import fcntl
import math
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bnsweep.errors import InputError
from bnsweep.limits import whole_cpus

GUARD = "guard"


@dataclass(frozen=True)
class CpuLease:
    """What a run may use.

    Args:
        workers: how many may train at once.
        cpus: the processors that they hold.
        total: the processors of the machine, as far as this process may use them.
        others: those that other runs hold out of the same ones.
        warning: why nothing is known of other runs, and what to do; None where it is.
    """

    workers: int
    cpus: int
    total: int
    others: int
    warning: str | None = None

    def notes(self) -> list[str]:
        """Return in words what the user should know of other runs: nothing where there are none."""
        notes = [self.warning] if self.warning else []
        if self.others:
            workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
            notes.append(f"CPUs that other runs on this machine hold: {self.others}; this one takes {workers}")
        return notes


def share(total: int, others: int, each: float, at_most: int | None = None) -> CpuLease:
    """Return how many workers of `each` processors fit into what other runs leave: at least one.

    Raises:
        InputError: not even one fits where nothing else runs.
    """
    if each > total:
        raise InputError(f"resources.cpus: {each:g} asked for, this machine has {total}; ask for fewer")
    fits = max(1, math.floor((total - others) / each + 1e-9))
    workers = min(fits, at_most or fits)
    return CpuLease(workers, math.ceil(workers * each - 1e-9), total, others)


@contextmanager
def leased_cpus(each: float, at_most: int | None = None, folder: Path | None = None) -> Iterator[CpuLease]:
    """Hold a share of this machine's processors within the block.

    Args:
        each: processors of a worker.
        at_most: workers that are wanted; as many as fit if not given.
        folder: where the leases are.

    Raises:
        InputError: the machine has fewer processors than one worker needs.
    """
    folder = folder or _folder_of_user()
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(_held(folder, each, at_most))
        except OSError as error:
            lease = _without_leases(folder, each, at_most, error)
        yield lease


def free_cpus(each: float, at_most: int | None = None, folder: Path | None = None) -> CpuLease:
    """Return what `leased_cpus` would hold now; hold nothing."""
    folder = folder or _folder_of_user()
    try:
        with _guarded(folder):
            return share(whole_cpus(), sum(_leases(folder)), each, at_most)
    except OSError as error:
        return _without_leases(folder, each, at_most, error)


def _without_leases(folder: Path, each: float, at_most: int | None, error: OSError) -> CpuLease:
    return replace(share(whole_cpus(), 0, each, at_most), warning=_warning(folder, error))


def _warning(folder: Path, error: OSError) -> str:
    return (
        f"{folder}: no file can be locked there ({error.strerror or error}), so runs on this machine do not see each "
        "other and each takes all CPUs; where several run, give each its --workers, or set TMPDIR to a local disk"
    )


def _folder_of_user() -> Path:
    return Path(tempfile.gettempdir(), f"bnsweep-{os.getuid()}")


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """Have the folder's leases to oneself within the block."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with open(folder / GUARD, "a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


@contextmanager
def _held(folder: Path, each: float, at_most: int | None) -> Iterator[CpuLease]:
    with ExitStack() as stack:
        with _guarded(folder):
            lease = share(whole_cpus(), sum(_leases(folder)), each, at_most)
            path = folder / uuid.uuid4().hex
            file = stack.enter_context(open(path, "x"))
            stack.callback(path.unlink, missing_ok=True)
            fcntl.flock(file, fcntl.LOCK_EX)
            print(lease.cpus, *os.sched_getaffinity(0), file=file, flush=True)
        yield lease


def _leases(folder: Path) -> Iterator[int]:
    """Yield how many processors each lease has whose run lives and may use some of ours; delete those of dead runs."""
    ours = os.sched_getaffinity(0)
    for path in folder.iterdir():
        if path.name == GUARD:
            continue
        try:
            file = open(path)  # noqa: SIM115  # closed below
        except FileNotFoundError:  # its run has ended just now
            continue
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                count, *allowed = map(int, file.read().split())
                if ours.intersection(allowed):
                    yield count
            else:
                path.unlink(missing_ok=True)
