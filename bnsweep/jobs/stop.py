"""Stopping a job in good order: its driver gets SIGTERM, as by `kill`, and is waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bnsweep.jobs.state import JobState, find_job

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

LOOK_EVERY_S = 0.5


def stop(client: JobSubmissionClient, job: JobState) -> JobState:
    """Ask the driver to commit what finished and end; return the job's state when it has."""
    is_told = False
    while job.is_active:
        is_told = is_told or client.stop_job(job.id)  # False as long as the job's supervisor is not up
        time.sleep(LOOK_EVERY_S)
        job = find_job(client, job.id)
    return job
