"""How the jobs of a cluster are doing: Ray says whether one runs, the last line of its progress how far it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnsweep.errors import InputError

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

ACTIVE = ("PENDING", "RUNNING")
BEFORE = re.compile(r": (?P<done>\d+) of (?P<total>\d+) trials done, \d+ to run$", re.MULTILINE)
PROGRESS = re.compile(
    r"^(?P<ended>\d+)/\d+ trials: (?P<done>\d+) done, (?P<diverged>\d+) diverged, (?P<failed>\d+) failed, .*"
    r"ETA (?P<eta>.+)$",
    re.MULTILINE,
)
"""What `progress.Progress.line` writes."""


@dataclass(frozen=True)
class JobState:
    """A job of the cluster that runs, or ran, a sweep.

    Args:
        id: its submission id.
        state: Ray's word for it: PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED.
        out: where its results go.
        num_trials: how many the sweep declares.
    """

    id: str
    state: str
    out: str
    num_trials: int

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.state in ACTIVE

    def line(self, log: str) -> str:
        """Return a line that says how far it is, by what it has printed."""
        before, now = BEFORE.search(log), next(reversed(list(PROGRESS.finditer(log))), None)
        done = int(before["done"]) if before else 0
        if now:
            done += int(now["ended"]) - int(now["failed"])
            counts = f", {now['diverged']} diverged, {now['failed']} failed"
        else:
            counts = ", no progress yet" if self.is_active else ""
        eta = f", ETA {now['eta'] if now else 'unknown'}" if self.is_active else ""
        said = f": {log.rstrip().splitlines()[-1]}" if self.state == "FAILED" and log.strip() else ""
        return f"{self.id}  {self.state}  {done}/{self.num_trials} trials have a result{counts}{eta}  {self.out}{said}"


def jobs(client: JobSubmissionClient) -> list[JobState]:
    """Return the cluster's jobs that are sweeps, the oldest first."""
    found = sorted(client.list_jobs(), key=lambda job: job.start_time or 0)
    return [
        JobState(job.submission_id, str(job.status.value), job.metadata["out"], int(job.metadata["num_trials"]))
        for job in found
        if job.submission_id and job.metadata and "bnsweep" in job.metadata
    ]


def find_job(client: JobSubmissionClient, name: str) -> JobState:
    """Return the job with that id, or the only one whose id begins so.

    Raises:
        InputError: there is none, or more than one.
    """
    known = jobs(client)
    found = [job for job in known if job.id == name] or [job for job in known if job.id.startswith(name)]
    if len(found) != 1:
        listed = ", ".join(job.id for job in found or known) or "none: `bnsweep submit` makes one"
        raise InputError(f"{name}: {len(found) or 'no'} jobs of the cluster begin with it; its jobs: {listed}")
    return found[0]
