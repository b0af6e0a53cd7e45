"""A job's status line: Ray says whether its driver runs, the progress file in the results how far the sweep is."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bnsweep.errors import InputError, StoreError
from bnsweep.jobs.listing import Job
from bnsweep.jobs.place import is_on_head
from bnsweep.results.files import Source
from bnsweep.running.progress_file import RunProgress, RunState, read_progress

MAX_PARALLEL_READS = 8
FRESH = timedelta(minutes=2)
"""Progress that is older than this, of a driver that runs, is shown with its time."""
EXIT_CODES = (0, 1, 2, 130)
"""With these `bnsweep run` ends by itself; with any other it was killed."""
AGAIN = "submit the sweep again to continue"
HEAD_MAY_BE_DOWN = "see that the head is up and has memory left (`ray up FILE` starts Ray anew)"
SUPERVISOR_DIED = "JOB_SUPERVISOR_ACTOR_DIED"
NOT_STARTED = {
    **dict.fromkeys(
        (
            "JOB_SUPERVISOR_ACTOR_START_TIMEOUT",
            "JOB_SUPERVISOR_ACTOR_START_FAILURE",
            "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE",
            "JOB_SUPERVISOR_ACTOR_UNKNOWN_FAILURE",
        ),
        f"Ray could not start its driver on the head; {HEAD_MAY_BE_DOWN}, then submit the sweep again",
    ),
    "RUNTIME_ENV_SETUP_FAILURE": "its code could not be unpacked on the head; see that its disk is not full, then "
    "submit the sweep again",
}
"""What Ray calls the ways in which a driver does not come up."""


class Unreadable(NamedTuple):
    """Why the progress of a job cannot be read from this machine."""

    reason: str


def status_lines(jobs: Iterable[Job], results: Callable[[Job], Source]) -> list[str]:
    """Return a line for each job; reads the progress files in all their results at the same time."""
    jobs, now = list(jobs), datetime.now(UTC)
    with ThreadPoolExecutor(MAX_PARALLEL_READS) as pool:
        found = pool.map(lambda job: look_up(job, results), jobs)
        return [status_line(job, progress, now) for job, progress in zip(jobs, found, strict=True)]


def look_up(job: Job, results: Callable[[Job], Source]) -> RunProgress | Unreadable | None:
    """Return the progress of the latest run into a job's results; None where none has begun."""
    if job.node is None and is_on_head(job.out):
        return None
    try:
        return read_progress(results(job))
    except (InputError, StoreError) as error:
        return Unreadable((str(error.__cause__ or "") or str(error)).partition("\n")[0])


def status_line(job: Job, found: RunProgress | Unreadable | None, now: datetime) -> str:
    """Return id, status, progress and place of a job, and why it ended where it did not end well."""
    own = found if isinstance(found, RunProgress) and _is_of(found, job) else None
    if own:
        progress = _progress(job, own, now)
    elif job.status == "SUCCEEDED":  # with exit code 0: every trial has a result
        all_of_them = f"{job.num_trials}/{job.num_trials} trials have a result"
        progress = f"all trials that its search {job.search} asked for have a result" if job.search else all_of_them
    elif isinstance(found, Unreadable):
        progress = f"progress unknown, as it cannot be read from here ({found.reason})"
    elif found and job.has_ended and _is_since(found, job):
        return f"{job.id}  {job.status}  continued by {found.job or 'a run that is not a job'}  {job.out}"
    else:
        declared = f"at most {job.num_trials} trials by its search {job.search}" if job.search else None
        declared = declared or f"{job.num_trials} trials declared"
        progress = f"{declared}, no progress {'recorded' if job.has_ended else 'yet'}"
    reason = _reason(job, own)
    return f"{job.id}  {job.status}  {progress}  {job.out}" + (f": {reason}" if reason else "")


def _is_of(found: RunProgress, job: Job) -> bool:
    """Return whether it is this job's own; one of a Ray that is no more may have had its id."""
    return found.job == job.id and (job.submitted_at is None or _is_since(found, job))


def _is_since(found: RunProgress, job: Job) -> bool:
    """Return whether a run has begun after a job was submitted; the file has whole seconds."""
    return job.submitted_at is not None and found.started_at >= job.submitted_at.replace(microsecond=0)


def _progress(job: Job, progress: RunProgress, now: datetime) -> str:
    # of those with a result before it is not known here how they ended
    here = f"; in this run {progress.completed} completed" if progress.had_result_before else ""
    so_far = f" asked for by its search {job.search}" if job.search else ""
    counts = (
        f"{progress.num_with_result}/{progress.num_trials} trials{so_far} have a result{here}, {progress.ended_early}"
    )
    if job.has_ended:
        return counts
    if not progress.workers and progress.num_with_result + progress.failed < progress.num_trials:
        counts += f", no worker is at work (`bnsweep logs {job.id}` says what it waits for)"
    eta = "unknown" if progress.eta_s is None else timedelta(seconds=round(progress.eta_s))
    age = "" if now - progress.updated_at < FRESH else f", as of {progress.updated_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{counts}, ETA {eta}{age}"


def _reason(job: Job, progress: RunProgress | None) -> str | None:
    """Return why a job ended before its sweep was done; None where it goes on, is done or was stopped in order."""
    if not job.has_ended or job.status == "SUCCEEDED":
        return None
    if job.exit_code not in EXIT_CODES:
        is_cut_off = progress is not None and progress.state is RunState.RUNNING
        return _death(job) if is_cut_off or job.status == "FAILED" else None
    if progress and progress.state is RunState.OUT_OF_TIME:
        return f"its time was up (--max-hours); {AGAIN}"
    if job.status == "STOPPED":
        return None
    if progress and progress.error:
        return progress.error
    if progress and progress.failed:
        return f"{progress.failed} trials failed, see {_failures(job)}; submit the sweep again to retry them"
    said = (job.message or "").rstrip().rpartition("\n")[2]
    return said.removeprefix("bnsweep: ") or "no reason given"


def _death(job: Job) -> str:
    """Return what to do about a driver that did not end by itself."""
    if job.error_type in NOT_STARTED:
        return NOT_STARTED[job.error_type]
    if job.error_type == SUPERVISOR_DIED:
        return f"Ray on the head ended, or part of it, and the driver with it; {HEAD_MAY_BE_DOWN}, then {AGAIN}"
    if job.exit_code == -signal.SIGKILL:
        return f"its driver was killed, most often since the head ran out of memory; {AGAIN}, on a larger head perhaps"
    return f"its driver was killed; {AGAIN}"


def _failures(job: Job) -> str:
    if is_on_head(job.out):
        return "`bnsweep failures DIR` after `bnsweep fetch DIR`"
    return f"`bnsweep failures '{job.out}'`"
