"""What `bnsweep status` makes of what a driver has printed."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bnsweep.executors import Tally
from bnsweep.jobs.state import JobState
from bnsweep.running.progress import Progress

FIRST = "Running entrypoint for job x\nmini: 5 of 20 trials done, 15 to run\n"


def progress(*tallies: Tally) -> str:
    """Return what a run of 15 trials prints, as it prints it."""
    printed = io.StringIO()
    console = Console(file=printed, width=80, soft_wrap=True, highlight=False)
    view = Progress(console).start(15, 4)
    for number, tally in enumerate(tallies):
        view(number, tally)
    console.print(view.line(), highlight=False)
    return printed.getvalue()


@pytest.mark.parametrize(
    ("state", "log", "line"),
    [
        ("PENDING", "", r"0/20 trials have a result, no progress yet, ETA unknown"),
        ("RUNNING", FIRST, r"5/20 trials have a result, no progress yet, ETA unknown"),
        ("RUNNING", FIRST + progress(), r"5/20 trials have a result, 0 diverged, 0 failed, ETA unknown"),
        (
            "RUNNING",
            FIRST + progress(Tally(completed=2)) + progress(Tally(completed=4, diverged=3), Tally(failed=2)),
            r"12/20 trials have a result, 3 diverged, 2 failed, ETA 0:00:00",
        ),
        ("SUCCEEDED", "mini: 20 of 20 trials done, 0 to run\n", r"20/20 trials have a result"),
        ("STOPPED", FIRST + progress(Tally(completed=2)), r"7/20 trials have a result, 0 diverged, 0 failed"),
    ],
)
def test_a_line_says_how_far_a_job_is(state: str, log: str, line: str) -> None:
    assert JobState("mini-1", state, "s3://b/x", 20).line(log) == f"mini-1  {state}  {line}  s3://b/x"


def test_the_line_of_a_failed_job_ends_with_what_it_said_last() -> None:
    line = JobState("mini-1", "FAILED", "s3://b/x", 20).line(FIRST + "bnsweep: --out s3://b/x: cannot be opened\n\n")
    assert line.endswith("s3://b/x: bnsweep: --out s3://b/x: cannot be opened")
