"""Stopping a job gracefully: its driver gets SIGTERM, commits what finished, and is waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bnsweep.jobs.listing import Job, find_job

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

POLL_EVERY_S = 0.5


def stop(client: JobSubmissionClient, job: Job) -> Job:
    """Ask the driver to commit what finished and to end; return the job when it has ended."""
    is_signalled = False
    while not client.get_job_status(job.id).is_terminal():
        is_signalled = is_signalled or client.stop_job(job.id)  # False as long as the job's supervisor is not up
        time.sleep(POLL_EVERY_S)
    return find_job(client, job.id)
