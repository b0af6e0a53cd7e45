"""Commands that run as jobs on a cluster's head, and whose output is printed here: `plan`, and `widen` of `submit`."""

from __future__ import annotations

import asyncio
import re
import shlex
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bnsweep.errors import InputError
from bnsweep.jobs.packaging import package_code
from bnsweep.jobs.place import WITH_DATA
from bnsweep.jobs.submit import Submission
from bnsweep.running.provenance import code_variables

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

ERROR = re.compile(r"^bnsweep: (.*)$", re.MULTILINE)
"""How a command says what is wrong."""


def run_there(
    client: JobSubmissionClient,
    submission: Submission,
    folder: Path,
    command: str,
    options: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Run a command for a sweep on the cluster with the code in `folder`; `say` what it prints. Then it is forgotten.

    Raises:
        InputError: it does not succeed; with its own words.
    """
    job_id = f"{command}-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "code.zip")
        name = package_code(submission.sweep_file, folder, archive)
        words = ["python", "-m", "bnsweep", command, name, "--address", "auto", "--out", submission.out, *options]
        environment = {"working_dir": str(archive), "env_vars": code_variables()}
        client.submit_job(
            entrypoint=f"{WITH_DATA}exec {shlex.join(words)}", submission_id=job_id, runtime_env=environment
        )
    try:
        asyncio.run(_follow(client, job_id, f"{submission.sweep.name}: ", say))
        details, output = client.get_job_info(job_id), client.get_job_logs(job_id)
    finally:
        if client.get_job_status(job_id).is_terminal():
            client.delete_job(job_id)
        else:
            client.stop_job(job_id)
    if details.status.value != "SUCCEEDED":
        said = ERROR.findall(output) or [(details.message or output).strip().rpartition("\n")[2]]
        raise InputError(f"on the cluster: {said[-1]}")


async def _follow(client: JobSubmissionClient, job_id: str, beginning: str, say: Callable[[str], None]) -> None:
    """Say each line from the one on that begins so: what comes before is Ray's."""
    rest, has_begun = "", False
    async for text in client.tail_job_logs(job_id):
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            has_begun = has_begun or line.startswith(beginning)
            if has_begun and not ERROR.match(line):
                say(line)
