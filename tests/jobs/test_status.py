"""What `bnsweep status` makes of Ray's description of a job and of the progress file in its results."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bnsweep.jobs.listing import Job
from bnsweep.jobs.status import FRESH, Unreadable, look_up, status_line, status_lines
from bnsweep.results import Store
from bnsweep.results.locations import Files
from bnsweep.running.progress_file import PROGRESS, RunProgress, RunState, write_progress
from tests.run_progress import run_progress

SUBMITTED = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)
NOW = SUBMITTED + timedelta(minutes=5)
JOB = Job("mini-1", "RUNNING", False, "s3://b/x", 20, SUBMITTED)
PROGRESS_NOW = run_progress(
    job="mini-1",
    num_trials=20,
    completed=4,
    diverged=3,
    failed=2,
    eta_s=61.2,
    started_at=SUBMITTED + timedelta(minutes=1),
    updated_at=NOW,
)
COUNTS = "12/20 trials have a result; in this run 4 completed, 3 diverged, 2 failed"


def results(job: Job) -> Files:
    return Store.open(job.out).files


def ended(status: str, exit_code: int | None = None, message: str | None = None) -> Job:
    return replace(JOB, status=status, has_ended=True, exit_code=exit_code, message=message)


def with_state(state: RunState, **changes: object) -> RunProgress:
    return PROGRESS_NOW.model_copy(update={"state": state, "eta_s": None, **changes})


KILLED = "its driver was killed; submit the sweep again to continue"
SIGKILLED = (
    "its driver was killed, most often since the head ran out of memory; submit the sweep again to continue, on a "
    "larger head perhaps"
)
HEAD = "see that the head is up and has memory left (`ray up FILE` starts Ray anew), then submit the sweep again"
RAY_DIED = f"Ray on the head ended, or part of it, and the driver with it; {HEAD} to continue"
UP = "its time was up (--max-hours); submit the sweep again to continue"
UNPACKED = "its code could not be unpacked on the head; see that its disk is not full, then submit the sweep again"
RETRY = "2 trials failed, see `bnsweep failures 's3://b/x'`; submit the sweep again to retry them"
LOG = "Job entrypoint command failed with exit code 2, last available logs:\nfirst\nbnsweep: no such data\n"
RAYLET = "The actor died: its raylet [id 8f2c] missed heartbeats.\n(raylet) E1127 raylet.cc:42 SIGTERM"
FINISHED, INTERRUPTED = with_state(RunState.FINISHED), with_state(RunState.INTERRUPTED)
BROKEN = with_state(RunState.ABORTED, error="b/x/ics: cannot be written (disk full)")
LINES = {
    "pending": (replace(JOB, status="PENDING"), None, "PENDING  20 trials declared, no progress yet  s3://b/x"),
    "running": (JOB, PROGRESS_NOW, f"RUNNING  {COUNTS}, ETA 0:01:01  s3://b/x"),
    "no ETA": (JOB, with_state(RunState.RUNNING), f"RUNNING  {COUNTS}, ETA unknown  s3://b/x"),
    "succeeded": (ended("SUCCEEDED", 0), FINISHED, f"SUCCEEDED  {COUNTS}  s3://b/x"),
    "nothing missing": (ended("SUCCEEDED", 0), None, "SUCCEEDED  20/20 trials have a result  s3://b/x"),
    "searching": (
        replace(JOB, search="edges"),
        PROGRESS_NOW,
        "RUNNING  12/20 trials asked for by its search edges have a result; in this run 4 completed, 3 diverged, "
        "2 failed, ETA 0:01:01  s3://b/x",
    ),
    "search over": (
        replace(ended("SUCCEEDED", 0), search="edges"),
        None,
        "SUCCEEDED  all trials that its search edges asked for have a result  s3://b/x",
    ),
    "search pending": (
        replace(JOB, status="PENDING", search="edges"),
        None,
        "PENDING  at most 20 trials by its search edges, no progress yet  s3://b/x",
    ),
    "stopped": (ended("STOPPED"), INTERRUPTED, f"STOPPED  {COUNTS}  s3://b/x"),
    "stopped early": (ended("STOPPED"), None, "STOPPED  20 trials declared, no progress recorded  s3://b/x"),
    "stopped by force": (ended("STOPPED"), PROGRESS_NOW, f"STOPPED  {COUNTS}  s3://b/x: {KILLED}"),
    "driver killed": (ended("FAILED", -9, LOG), PROGRESS_NOW, f"FAILED  {COUNTS}  s3://b/x: {SIGKILLED}"),
    "driver crashed": (ended("FAILED", -11, LOG), PROGRESS_NOW, f"FAILED  {COUNTS}  s3://b/x: {KILLED}"),
    "out of time": (
        ended("FAILED", 130, LOG),
        with_state(RunState.OUT_OF_TIME),
        f"FAILED  {COUNTS}  s3://b/x: {UP}",
    ),
    "Ray died": (
        replace(ended("FAILED", None, RAYLET), error_type="JOB_SUPERVISOR_ACTOR_DIED"),
        PROGRESS_NOW,
        f"FAILED  {COUNTS}  s3://b/x: {RAY_DIED}",
    ),
    "not started": (
        replace(ended("FAILED", None, RAYLET), error_type="JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE"),
        None,
        "FAILED  20 trials declared, no progress recorded  s3://b/x: "
        f"Ray could not start its driver on the head; {HEAD}",
    ),
    "not unpacked": (
        replace(ended("FAILED", None, RAYLET), error_type="RUNTIME_ENV_SETUP_FAILURE"),
        None,
        f"FAILED  20 trials declared, no progress recorded  s3://b/x: {UNPACKED}",
    ),
    "trials failed, on the head": (
        replace(ended("FAILED", 1, LOG), out="~/x"),
        FINISHED,
        f"FAILED  {COUNTS}  ~/x: 2 trials failed, see `bnsweep failures DIR` after `bnsweep fetch DIR`; submit the "
        "sweep again to retry them",
    ),
    "trials failed": (ended("FAILED", 1, LOG), FINISHED, f"FAILED  {COUNTS}  s3://b/x: {RETRY}"),
    "store away": (ended("FAILED", 1, LOG), BROKEN, f"FAILED  {COUNTS}  s3://b/x: {BROKEN.error}"),
    "last write lost": (ended("FAILED", 2, LOG), PROGRESS_NOW, f"FAILED  {COUNTS}  s3://b/x: {RETRY}"),
    "never began": (
        ended("FAILED", 2, LOG),
        None,
        "FAILED  20 trials declared, no progress recorded  s3://b/x: no such data",
    ),
    "no reason": (
        ended("FAILED", None, None),
        None,
        f"FAILED  20 trials declared, no progress recorded  s3://b/x: {KILLED}",
    ),
}


@pytest.mark.parametrize(("job", "found", "line"), LINES.values(), ids=LINES)
def test_a_line_says_how_far_a_job_is_and_why_it_failed(job: Job, found: RunProgress | None, line: str) -> None:
    assert status_line(job, found, NOW) == f"mini-1  {line}"


def test_of_a_run_that_found_nothing_done_the_counts_are_of_all() -> None:
    first = PROGRESS_NOW.model_copy(update={"had_result_before": 0})
    assert "  7/20 trials have a result, 3 diverged, 2 failed, ETA 0:01:01  " in status_line(JOB, first, NOW)


def test_a_run_without_a_worker_says_where_one_reads_why() -> None:
    idle = PROGRESS_NOW.model_copy(update={"workers": 0, "hosts": {}})
    assert "2 failed, no worker is at work (`bnsweep logs mini-1` says what it waits for), ETA" in status_line(
        JOB, idle, NOW
    )
    last = idle.model_copy(update={"completed": 10})
    for job, progress in ((JOB, last), (ended("STOPPED"), idle)):
        assert "no worker" not in status_line(job, progress, NOW)


def test_old_progress_of_a_driver_that_runs_is_shown_with_its_time() -> None:
    assert "as of" not in status_line(JOB, PROGRESS_NOW, NOW)
    assert "ETA 0:01:01, as of 2026-01-02 03:05:00 UTC" in status_line(JOB, PROGRESS_NOW, NOW + FRESH)


def test_the_progress_of_another_run_is_not_taken_for_the_jobs() -> None:
    later = PROGRESS_NOW.model_copy(update={"job": "mini-2"})
    assert "continued by mini-2" in status_line(ended("STOPPED"), later, NOW)
    assert "continued by a run that is not a job" in status_line(
        ended("STOPPED"), later.model_copy(update={"job": None}), NOW
    )
    earlier = later.model_copy(update={"started_at": SUBMITTED - timedelta(minutes=1)})
    namesake = earlier.model_copy(update={"job": JOB.id})
    for job, words in ((JOB, "no progress yet"), (ended("STOPPED"), "no progress recorded")):
        for progress in (earlier, namesake):
            assert words in status_line(job, progress, NOW)
            assert "12/20" not in status_line(job, progress, NOW)


def test_what_was_continued_is_not_to_be_submitted_again() -> None:
    later = PROGRESS_NOW.model_copy(update={"job": "mini-2"})
    assert status_line(ended("FAILED", -9, LOG), later, NOW) == "mini-1  FAILED  continued by mini-2  s3://b/x"


def test_what_cannot_be_read_is_said_and_nothing_guessed() -> None:
    line = status_line(JOB, Unreadable("no credentials"), NOW)
    assert line.startswith("mini-1  RUNNING  progress unknown")
    assert "(no credentials)  s3://b/x" in line
    assert "20" not in line
    assert "20/20" in status_line(ended("SUCCEEDED", 0), Unreadable("no credentials"), NOW)


def test_progress_is_looked_up_in_the_results(tmp_path: Path) -> None:
    job = replace(JOB, out=str(tmp_path), node="head")
    assert look_up(job, results) is None
    write_progress(Store.open(tmp_path), PROGRESS_NOW)
    assert look_up(job, results) == PROGRESS_NOW
    lines = status_lines([job, replace(job, id="mini-2")], results)
    assert [line.split("  ")[0] for line in lines] == ["mini-1", "mini-2"]


def test_a_job_that_is_to_write_to_the_head_has_no_progress_before_its_driver_is_there() -> None:
    assert look_up(replace(JOB, out="~/bnsweep/results/x", node=None), pytest.fail) is None


def test_what_is_damaged_or_out_of_reach_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).mkdir()
    for out in (str(tmp_path), "s3://[", "s4://b/x"):
        found = look_up(replace(JOB, out=out, node="head"), results)
        assert isinstance(found, Unreadable)
        assert found.reason
        assert "\n" not in found.reason
