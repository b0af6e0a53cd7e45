"""Why the trials failed that a run leaves without a result: what is printed where it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bnsweep.api.failed_trial import FailedTrial
from bnsweep.results import Store

MAX_ERRORS = 3
"""Distinct errors that are printed."""


def end_of_run(store: Store, left: Sequence[str], directory: str) -> Iterator[str]:
    """Yield why the trials failed that a run leaves without a result: the most frequent errors, each with a trial."""
    yield f"{counted(len(left), 'trial')} failed; the same command tries them again"
    failed, by_error = {trial.key: trial for trial in FailedTrial.load(store)}, dict[str, list[FailedTrial]]()
    for trial in (failed[key] for key in left if key in failed):
        by_error.setdefault(trial.error, []).append(trial)
    for error, trials in sorted(by_error.items(), key=lambda item: -len(item[1]))[:MAX_ERRORS]:
        example = trials[0]
        yield f"{counted(len(trials), 'trial')}: {error}"
        yield f"  such as {example.key}: {example.axes}"
        yield f"  log: {example.log}"
    if len(by_error) > MAX_ERRORS:
        yield f"and {counted(len(by_error) - MAX_ERRORS, 'other error')}"
    yield f"bnsweep failures {directory} [KEY]    each of them; with a KEY its traceback and the end of its log"


def counted(number: int, what: str) -> str:
    """Return so many of a thing in words.

    >>> counted(1, "trial"), counted(2, "trial")
    ('1 trial', '2 trials')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
