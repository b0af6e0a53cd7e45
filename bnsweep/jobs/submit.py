"""Submitting: a sweep is checked here, its code uploaded, and `bnsweep run` started on the cluster's head."""

from __future__ import annotations

import itertools
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bnsweep import __version__
from bnsweep.errors import InputError, StoreError
from bnsweep.jobs.listing import list_jobs
from bnsweep.jobs.packaging import code_digest, package_code
from bnsweep.jobs.place import WITH_DATA, is_on_head, job_name, place_of, same_place
from bnsweep.jobs.results import MAX_WAIT_S
from bnsweep.results import Store
from bnsweep.running.provenance import code_variables
from bnsweep.spec.search import GRID
from bnsweep.spec.sweep import Sweep

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

ID_IS_TAKEN = "already exists"
"""How Ray refuses a job whose id another one has."""
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
        max_hours: how long it may run.
    """

    sweep_file: Path
    sweep: Sweep
    out: str
    checkpoint_minutes: float
    extend: bool = False
    max_hours: float | None = None

    @classmethod
    def checked(
        cls,
        sweep_file: Path,
        out: str | None,
        checkpoint_minutes: float,
        *,
        extend: bool = False,
        max_hours: float | None = None,
    ) -> Submission:
        """Check all that can be checked on this machine.

        Raises:
            InputError: the sweep file is wrong, or there is no such place as `out`.
        """
        sweep = Sweep.from_yaml(sweep_file)
        place = place_of(out or f"results/{sweep.name}")
        return cls(sweep_file, sweep, place, checkpoint_minutes, extend, max_hours)

    def trials_in_words(self) -> str:
        """Return how many trials there are, or with a search may be."""
        search, number = self.sweep.search, self.sweep.num_trials
        return (
            f"{number} trials declared" if search == GRID else f"at most {number} trials, by its search {search.label}"
        )

    def check_place(self) -> None:
        """Check that this machine may write where results go; the head's disk it cannot.

        Raises:
            InputError: the place is not there, or may not be written from here. StoreError: it does not answer.
        """
        if is_on_head(self.out):
            return
        try:
            Store.open(self.out).patient(MAX_WAIT_S).check_writable()
        except (InputError, StoreError) as error:
            raise type(error)(f"{error}; if the head may write there, but not this machine: --no-check") from error

    def send(self, client: JobSubmissionClient, folder: Path) -> str:
        """Upload the code in `folder` and start the job; return its id.

        Of several that are sent to one place at once Ray takes one: they all have the same id.

        Raises:
            InputError: another job writes to `out`, or the code is too large or cannot be packed.
        """
        self.check_unused(client)
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch, "code.zip")
            try:
                command = self._command(package_code(self.sweep_file, folder, archive))
            except OSError as error:
                raise InputError(f"{folder}: the code there cannot be packed ({error})") from error
            while True:
                job_id = self.check_unused(client)
                environment = {"working_dir": str(archive), "env_vars": self._variables(job_id)}
                try:
                    return client.submit_job(
                        entrypoint=command,
                        submission_id=job_id,
                        runtime_env=environment,
                        metadata=self._metadata(folder),
                    )
                except RuntimeError as error:
                    if ID_IS_TAKEN not in str(error):
                        raise

    def check_unused(self, client: JobSubmissionClient, because: str = "") -> str:
        """Return the id that a job into this place may have now; `because` says more of one that writes there.

        Raises:
            InputError: another job writes there.
        """
        for job in list_jobs(client):
            if not job.has_ended and same_place(job.out) == same_place(self.out):
                raise InputError(
                    f"--out {self.out}: job {job.id} writes there ({job.status}){because and f', and {because}'}; "
                    f"wait for it, or end it with `bnsweep stop {job.id}`, then submit again to continue"
                )
        taken = {details.submission_id for details in client.list_jobs()}
        return next(name for turn in itertools.count(1) if (name := job_name(self.out, turn)) not in taken)

    def _metadata(self, folder: Path) -> dict[str, str]:
        return {
            "bnsweep": __version__,
            "sweep": self.sweep.name,
            "out": self.out,
            "num_trials": str(self.sweep.num_trials),
            "code": code_digest(folder),
            **({} if self.sweep.search == GRID else {"search": self.sweep.search.label}),
        }

    def _command(self, name: str) -> str:
        run = ["python", "-m", "bnsweep", "run", name, "--address", "auto", "--out", self.out]
        options = ["--checkpoint-minutes", f"{self.checkpoint_minutes:g}", *(["--extend"] if self.extend else [])]
        options += [] if self.max_hours is None else ["--max-hours", f"{self.max_hours:g}"]
        return f"{WITH_DATA}exec {shlex.join([*run, *options])}"

    def _variables(self, job_id: str) -> dict[str, str]:
        """Return environment variables for the job's processes."""
        return {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_TIMEOUT_S), "BNSWEEP_JOB_ID": job_id, **code_variables()}
