"""What the runs into directories of this machine are doing, told from another shell: what they left there says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.copied import CopyOf, read_copy_of
from bnsweep.results.declaration import DECLARED
from bnsweep.results.existing import which_directory
from bnsweep.results.lease import describe, holder
from bnsweep.running.progress_file import PROGRESS, RunProgress, RunState, read_progress

AGAIN = "the same command continues"
PUT_THERE = "`bnsweep run SWEEP` puts them into results/NAME"


@dataclass(frozen=True)
class RunHere:
    """A results directory, and the run into it.

    Args:
        directory: as the user named it.
        progress: what the latest run wrote; None where none came so far, or none is known.
        held_by: the lease of the run that is at work there; None where none is.
        num_trials: how many trials are declared.
        num_with_result: how many of them have a result.
        may_grow: whether a search has not ended that decides which trials follow.
        copy: what it is a copy of; None where it is none.
    """

    directory: Path
    progress: RunProgress | None
    held_by: dict[str, Any] | None
    num_trials: int
    num_with_result: int
    may_grow: bool = False
    copy: CopyOf | None = None

    @classmethod
    def of(cls, directory: Path) -> Self:
        """Read what is in a results directory.

        Raises:
            InputError: it is none.
        """
        if not is_results(directory):
            raise InputError(f"{directory}: holds no results of bnsweep; {which_directory(directory)}")
        store = Store.open(directory)
        progress, declared = read_progress(store.files), store.declared()
        search = (declared or {}).get("search")
        if progress and not search:
            total, done = progress.num_trials, progress.num_with_result
        else:
            keys, finished = set(declared["trial_keys"] if declared else ()), store.finished()
            total, done = len(keys or finished), len(keys & finished if keys else finished)
        may_grow = search is not None and search["end"] is None
        return cls(directory, progress, holder(store.files), total, done, may_grow, read_copy_of(store.files))

    @property
    def state(self) -> str:
        """In words what the run is doing, or how it ended."""
        if self.held_by:
            return f"running ({describe(self.held_by)})" if self.progress else f"starting ({describe(self.held_by)})"
        if self.num_with_result == self.num_trials and not self.may_grow:
            return "all done"
        if self.copy:
            return str(self.copy)
        if self.progress is None:
            return f"not running; {AGAIN}"
        if self.progress.state is RunState.RUNNING:
            return f"killed; {AGAIN}"
        if self.progress.state is RunState.ABORTED:
            return f"ended by an error ({self.progress.error}); {AGAIN}"
        if self.may_grow and self.progress.state is RunState.FINISHED:
            return f"its search goes on; {AGAIN}"
        return f"{self.progress.state}; {AGAIN}"

    @property
    def line(self) -> str:
        """Directory, state and counts."""
        counts = f"{self.num_with_result}/{self.num_trials} trials have a result"
        if (progress := self.progress) is not None:
            counts += f", in the latest run {progress.ended_early}"
            if self.held_by:
                eta = "unknown" if progress.eta_s is None else timedelta(seconds=round(progress.eta_s))
                counts += f", {progress.running} running, ETA {eta}"
        return f"{self.directory}: {counts}; {self.state}"


def is_results(directory: Path) -> bool:
    """Return whether a directory holds results."""
    return any((directory / name).exists() for name in ("trials", PROGRESS, DECLARED))


def runs_in(folder: Path) -> Iterator[RunHere]:
    """Yield the results directory that a folder is, or those in it by name.

    Raises:
        InputError: there is no such folder, or none in it.
    """
    if is_results(folder):
        yield RunHere.of(folder)
        return
    found = sorted(path for path in folder.glob("*") if path.is_dir() and is_results(path)) if folder.is_dir() else []
    if not found:
        raise InputError(f"{folder}: holds no results of bnsweep; {which_directory(folder, PUT_THERE)}")
    yield from map(RunHere.of, found)
