"""Which of a cluster's jobs are sweeps, and what Ray says of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ray.job_submission import JobDetails, JobStatus, JobType

from bnsweep.jobs.listing import Job

METADATA = {"bnsweep": "0.1.0", "sweep": "mini", "out": "s3://b/x", "num_trials": "20"}


def details(**changes: object) -> JobDetails:
    fields = {
        "type": JobType.SUBMISSION,
        "submission_id": "mini-1",
        "status": JobStatus.FAILED,
        "entrypoint": "python",
        "metadata": METADATA,
        "start_time": 1_000_500,
        "driver_exit_code": -9,
        "message": "killed",
        "error_type": "JOB_ENTRYPOINT_COMMAND_ERROR",
        "driver_node_id": "ab12",
    }
    return JobDetails(**{**fields, **changes})


def test_a_sweep_is_recognized_by_its_metadata() -> None:
    submitted = datetime.fromtimestamp(1000.5, UTC)
    said = (-9, "killed", "JOB_ENTRYPOINT_COMMAND_ERROR", "ab12")
    assert Job.of(details()) == Job("mini-1", "FAILED", True, "s3://b/x", 20, submitted, *said)


@pytest.mark.parametrize("changes", [{"metadata": None}, {"metadata": {"out": "x"}}, {"submission_id": None}])
def test_other_jobs_are_left_out(changes: dict[str, object]) -> None:
    assert Job.of(details(**changes)) is None


@pytest.mark.parametrize("status", JobStatus)
def test_a_job_has_ended_where_ray_says_so(status: JobStatus) -> None:
    job = Job.of(details(status=status))
    assert job is not None
    assert (job.status, job.has_ended) == (status.value, status not in (JobStatus.PENDING, JobStatus.RUNNING))
