"""Giving a job that runs the trials that a sweep file declares by now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bnsweep.errors import InputError, StoreError
from bnsweep.jobs.command import run_there
from bnsweep.jobs.listing import Job, find_job, list_jobs
from bnsweep.jobs.packaging import code_digest
from bnsweep.jobs.place import same_place
from bnsweep.jobs.results import results_of
from bnsweep.jobs.submit import Submission
from bnsweep.results.declaration import DECLARED, unseal
from bnsweep.spec.search import GRID

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient


def live_job(client: JobSubmissionClient, submission: Submission) -> Job | None:
    """Return the job that writes where a submission would."""
    place = same_place(submission.out)
    return next((job for job in list_jobs(client) if not job.has_ended and same_place(job.out) == place), None)


class Difference(NamedTuple):
    """How many trials a submission declares that a job has not, and how many it leaves out."""

    new: int
    left_out: int

    @property
    def is_more(self) -> bool:
        """Whether the submission declares all that the job has, and more."""
        return self.new > 0 and self.left_out == 0

    def in_words(self) -> str:
        """Return what the job has of the submission."""
        if self.left_out:
            return f"{self.left_out} of its trials are not in this sweep file, so it cannot be given others"
        return "it has all of these trials"


def difference(client: JobSubmissionClient, submission: Submission, job: Job) -> Difference | None:
    """Return how a submission differs from what a job runs; None where that is not known here, as with a search."""
    if submission.sweep.search != GRID:
        return None
    try:
        content = results_of(client, job).read(DECLARED)
        has = set(unseal(content)["trial_keys"]) if content else set()
    except (InputError, StoreError, ValueError):
        has = set()
    declared = set(submission.sweep.trials.trial_keys())
    return Difference(len(declared - has), len(has - declared)) if has else None


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
