"""The results of a job, wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnsweep.errors import InputError
from bnsweep.jobs.head_files import HeadFiles
from bnsweep.jobs.listing import Job, find_job, list_jobs
from bnsweep.jobs.place import is_on_head
from bnsweep.results import Store
from bnsweep.results.files import Source

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

MAX_WAIT_S = 10.0
"""For results that cannot be reached."""


def results_of(client: JobSubmissionClient, job: Job) -> Source:
    """Return the files of a job's results, to be read from this machine.

    Raises:
        InputError: they cannot be opened from here, or its driver has not begun.
    """
    if not is_on_head(job.out):
        return Store.open(job.out).patient(MAX_WAIT_S).files
    if job.node is None:
        raise InputError(f"{job.id}: has no results yet, its driver has not begun")
    return HeadFiles.of(client, job)


def job_to_fetch(client: JobSubmissionClient, name: str | None) -> Job:
    """Return the job of that name; if not given, the one that was submitted last.

    Raises:
        InputError: there is none.
    """
    if name is not None:
        return find_job(client, name)
    if not (jobs := list_jobs(client)):
        raise InputError(
            "no sweep was submitted to this cluster since its Ray was started; submit it again: it continues from what "
            "is there, which can then be fetched"
        )
    return jobs[-1]
