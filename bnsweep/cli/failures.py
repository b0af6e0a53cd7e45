"""Why trials failed: what is printed where a run ends, and by `bnsweep failures`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bnsweep.cli.failed_trial import FailedTrial
from bnsweep.cli.failures_table import failures_table
from bnsweep.errors import InputError
from bnsweep.results import Store

MAX_ERRORS = 3
"""Distinct errors that are printed where a run ends."""


def end_of_run(store: Store, left: Sequence[str], directory: str) -> Iterator[str]:
    """Yield why the trials failed that a run leaves without a result: the most frequent errors, each with a trial."""
    yield f"{_counted(len(left), 'trial')} failed; the same command tries them again"
    failed, by_error = {trial.key: trial for trial in FailedTrial.load(store)}, dict[str, list[FailedTrial]]()
    for trial in (failed[key] for key in left if key in failed):
        by_error.setdefault(trial.error, []).append(trial)
    for error, trials in sorted(by_error.items(), key=lambda item: -len(item[1]))[:MAX_ERRORS]:
        example = trials[0]
        yield f"{_counted(len(trials), 'trial')}: {error}"
        yield f"  such as {example.key}: {example.axes}"
        yield f"  log: {example.log}"
    if len(by_error) > MAX_ERRORS:
        yield f"and {_counted(len(by_error) - MAX_ERRORS, 'other error')}"
    yield f"bnsweep failures {directory} [KEY]    each of them; with a KEY its traceback and the end of its log"


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
    count = _counted(len(unresolved), "trial") if unresolved else "no trial"
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
    yield (trial.last["log_tail"] or "(nothing of it is stored)").rstrip()


def _tried(trial: FailedTrial) -> Iterator[str]:
    """Yield which trial it is, the error of each attempt, and where the last one was raised."""
    yield trial.title
    for attempt in trial.attempts:
        yield f"attempt {attempt['attempt']}, {attempt['failed_at']:%Y-%m-%d %H:%M:%S} UTC: {attempt['error']}"
    yield str(trial.last["traceback"]).rstrip()


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
