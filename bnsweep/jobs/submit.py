"""Submitting: a sweep is checked here, its code uploaded, and `bnsweep run` started on the cluster's head."""

from __future__ import annotations

import shlex
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bnsweep import __version__
from bnsweep.errors import InputError
from bnsweep.jobs.listing import list_jobs
from bnsweep.jobs.packaging import package_code
from bnsweep.jobs.place import place_of
from bnsweep.running.provenance import git_sha
from bnsweep.spec.sweep import Sweep

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

STOP_TIMEOUT_S = 600
"""Ray kills a driver that takes longer: it waits until workers have saved their trial and committed what finished."""


@dataclass(frozen=True)
class Submission:
    """A sweep, and where its results go.

    Args:
        sweep_file: path of the sweep file.
        sweep: what is in it.
        out: where results go, as `place_of` returns it.
        checkpoint_minutes: how often a long trial is saved, to continue from there.
        extend: whether another sweep's trials may be there.
    """

    sweep_file: Path
    sweep: Sweep
    out: str
    checkpoint_minutes: float
    extend: bool = False

    @classmethod
    def checked(
        cls, sweep_file: Path, out: str | None, checkpoint_minutes: float, *, extend: bool = False
    ) -> Submission:
        """Check all that can be checked on this machine.

        Raises:
            InputError: the sweep file is wrong, or there is no such place as `out`.
        """
        sweep = Sweep.from_yaml(sweep_file)
        place = place_of(out or f"results/{sweep.name}")
        return cls(sweep_file, sweep, place, checkpoint_minutes, extend)

    def send(self, client: JobSubmissionClient, folder: Path) -> str:
        """Upload the code in `folder` and start the job; return its id.

        Raises:
            InputError: another job writes to `out`, or the code is too large or cannot be packed.
        """
        self._check_unused(client)
        job_id = f"{self.sweep.name}-{uuid.uuid4().hex[:8]}"
        metadata = {
            "bnsweep": __version__,
            "sweep": self.sweep.name,
            "out": self.out,
            "num_trials": str(len(self.sweep.trials)),
        }
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch, "code.zip")
            try:
                command = self._command(package_code(self.sweep_file, folder, archive))
            except OSError as error:
                raise InputError(f"{folder}: the code there cannot be packed ({error})") from error
            environment = {"working_dir": str(archive), "env_vars": self._variables(job_id)}
            client.submit_job(entrypoint=command, submission_id=job_id, runtime_env=environment, metadata=metadata)
        return job_id

    def _check_unused(self, client: JobSubmissionClient) -> None:
        for job in list_jobs(client):
            if not job.has_ended and job.out.rstrip("/") == self.out.rstrip("/"):
                raise InputError(
                    f"--out {self.out}: job {job.id} writes there ({job.status}); wait for it, or end it with "
                    f"`bnsweep stop {job.id}`, then submit again to continue"
                )

    def _command(self, name: str) -> str:
        run = ["python", "-m", "bnsweep", "run", name, "--address", "auto", "--out", self.out]
        options = ["--checkpoint-minutes", f"{self.checkpoint_minutes:g}", *(["--extend"] if self.extend else [])]
        return "exec " + shlex.join([*run, *options])

    def _variables(self, job_id: str) -> dict[str, str]:
        """Return environment variables for the job's processes."""
        sha = git_sha()
        ours = {"BNSWEEP_JOB_ID": job_id, **({"BNSWEEP_GIT_SHA": sha} if sha else {})}
        return {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_TIMEOUT_S), **ours}
