"""Giving a job that runs the trials that a sweep file declares by now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bnsweep.errors import InputError, StoreError
from bnsweep.jobs.command import run_there
from bnsweep.jobs.listing import Job, find_job, list_jobs
from bnsweep.jobs.packaging import code_digest
from bnsweep.jobs.place import same_place
from bnsweep.jobs.results import results_of
from bnsweep.jobs.submit import Submission
from bnsweep.results.declaration import DECLARED, unseal

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient


def live_job(client: JobSubmissionClient, submission: Submission) -> Job | None:
    """Return the job that writes where a submission would."""
    place = same_place(submission.out)
    return next((job for job in list_jobs(client) if not job.has_ended and same_place(job.out) == place), None)


def num_new(client: JobSubmissionClient, submission: Submission, job: Job) -> int:
    """Return how many trials a submission declares beside all those of a job; 0 where it does not declare all of them.

    Raises:
        InputError: they are not known here.
    """
    try:
        content = results_of(client, job).read(DECLARED)
        has = set(unseal(content)["trial_keys"]) if content else set()
    except (InputError, StoreError, ValueError):
        has = set()
    declared = set(submission.sweep.trials.trial_keys())
    return len(declared - has) if has and has <= declared else 0


def widen(client: JobSubmissionClient, submission: Submission, job: Job, folder: Path) -> bool:
    """Have a job run the new trials of a submission, too, with the code that it has; False where it has ended.

    Raises:
        InputError: the code in `folder` is another one, or the run cannot take them.
    """
    remedy = f"end it with `bnsweep stop {job.id}`, then submit again: it continues with them"
    if job.code != code_digest(folder):
        raise InputError(f"job {job.id} runs with other code than this directory has now; {remedy}")
    try:
        run_there(client, submission, folder, "widen")
    except InputError as error:
        if find_job(client, job.id).has_ended:
            return False
        raise InputError(f"job {job.id} was given no more trials ({error}); {remedy}") from error
    return True
