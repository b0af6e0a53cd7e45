"""Why trials failed: what `bnsweep failures` prints."""

from __future__ import annotations

from collections.abc import Iterator

from bnsweep.api.end_of_run import counted
from bnsweep.api.failed_trial import FailedTrial
from bnsweep.cli.failures_table import failures_table
from bnsweep.error_texts import printable
from bnsweep.errors import InputError
from bnsweep.results import Store


def overview(store: Store, directory: str, width: int, *, with_succeeded: bool, is_full: bool = False) -> Iterator[str]:
    """Yield a table of the failed trials without a result, the latest last, and how many they are.

    Args:
        store: the results.
        directory: where they are, as the user names it.
        width: that of the table at most, in characters.
        with_succeeded: also those that have a result by now.
        is_full: all about each, with its traceback, in the place of the table.
    """
    every = FailedTrial.load(store, with_logs=is_full)
    unresolved = [trial for trial in every if not trial.has_result]
    shown = every if with_succeeded else unresolved
    if is_full:
        for trial in shown:
            yield from (*_tried(trial), f"log: {trial.log}", trial.repro(directory), "")
    elif shown:
        yield from failures_table(shown, directory, width)
    num_succeeded = len(every) - len(unresolved)
    others = f"; {num_succeeded} that failed before have a result now{'' if with_succeeded else ' (--all lists them)'}"
    count = counted(len(unresolved), "trial") if unresolved else "no trial"
    yield f"{count} failed without a later result{others if num_succeeded else ''}"


def details(store: Store, key: str, directory: str) -> Iterator[str]:
    """Yield all that is known of the one failed trial whose key begins with `key`.

    Raises:
        InputError: no failed trial begins with it, or several do.
    """
    found = [trial for trial in FailedTrial.load(store, with_logs=True) if trial.key.startswith(key)]
    if len(found) != 1:
        problem = f"{len(found)} failed trials begin with it" if found else "no failed trial begins with it"
        raise InputError(f"{key}: {problem}; `bnsweep failures {directory} --all` lists them")
    (trial,) = found
    yield from (*_tried(trial), trial.repro(directory), f"log: {trial.log}")
    yield printable(trial.last["log_tail"] or "(nothing of it is stored)").rstrip()


def _tried(trial: FailedTrial) -> Iterator[str]:
    """Yield which trial it is, the error of each attempt, and where the last one was raised."""
    yield trial.title
    for attempt in trial.attempts:
        error = printable(str(attempt["error"]))
        yield f"attempt {attempt['attempt']}, {attempt['failed_at']:%Y-%m-%d %H:%M:%S} UTC: {error}"
    yield printable(str(trial.last["traceback"])).rstrip()
