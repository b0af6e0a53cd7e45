"""The jobs of a cluster that are sweeps, as Ray's job server describes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from bnsweep.errors import InputError

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient


@dataclass(frozen=True)
class Job:
    """A job of the cluster that runs, or ran, a sweep.

    Args:
        id: its submission id.
        status: Ray's: PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED.
        has_ended: whether the status is one of the last three.
        out: where its results go.
        num_trials: how many trials the sweep declares; where a search asks for them, at most.
        submitted_at: when Ray took it.
        exit_code: its driver's, negative where a signal ended it; None before the end, and where Ray does not know it.
        message: what Ray says of its status.
        error_type: what Ray calls the way in which it failed.
        node: the id of the node that its driver is on; None before it is on one.
        code: the digest of its code.
        search: the name of its search; None where all declared trials run.
    """

    id: str
    status: str
    has_ended: bool
    out: str
    num_trials: int
    submitted_at: datetime | None = None
    exit_code: int | None = None
    message: str | None = None
    error_type: str | None = None
    node: str | None = None
    code: str | None = None
    search: str | None = None

    @classmethod
    def of(cls, details: JobDetails) -> Self | None:
        """Return the sweep of a job; None where it was not submitted by bnsweep."""
        metadata = details.metadata or {}
        if not details.submission_id or "bnsweep" not in metadata:
            return None
        started_ms = details.start_time
        return cls(
            id=details.submission_id,
            status=details.status.value,
            has_ended=details.status.is_terminal(),
            out=metadata["out"],
            num_trials=int(metadata["num_trials"]),
            submitted_at=None if started_ms is None else datetime.fromtimestamp(started_ms / 1000, UTC),
            exit_code=details.driver_exit_code,
            message=details.message,
            error_type=details.error_type,
            node=details.driver_node_id,
            code=metadata.get("code"),
            search=metadata.get("search"),
        )


def list_jobs(client: JobSubmissionClient) -> list[Job]:
    """Return the cluster's jobs that are sweeps, the oldest first."""
    listed = sorted(client.list_jobs(), key=lambda details: details.start_time or 0)
    return [job for details in listed if (job := Job.of(details))]


def find_job(client: JobSubmissionClient, name: str) -> Job:
    """Return the job with that id, or the only one whose id begins with it.

    Raises:
        InputError: there is none, or more than one.
    """
    jobs = list_jobs(client)
    found = [job for job in jobs if job.id == name] or [job for job in jobs if job.id.startswith(name)]
    if len(found) != 1:
        ids = ", ".join(job.id for job in found or jobs) or "none; `bnsweep submit` starts one"
        raise InputError(f"{name}: {len(found) or 'no'} jobs have an id that begins with it; the cluster's jobs: {ids}")
    return found[0]
