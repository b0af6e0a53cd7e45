"""A cluster of this one machine, with its job server, for all tests of this folder."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bnsweep.errors import InputError
from bnsweep.jobs.client import job_server
from bnsweep.jobs.listing import Job, find_job
from bnsweep.jobs.tunnel import ray_program
from bnsweep.results import Store
from bnsweep.running.progress_file import RunProgress, read_progress
from tests.s3 import CREDENTIALS, s3_uri
from tests.waiting import wait_until

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

TOKEN = "a-token-of-the-tests"
numbers = itertools.count()


@dataclass(frozen=True)
class Cluster:
    """A Ray head, and the folder that a user of it submits sweeps from."""

    url: str
    folder: Path
    endpoint: str

    def bnsweep(self, command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a command that talks to the cluster, as a user does who has the token."""
        full = [sys.executable, "-m", "bnsweep", command, *map(str, arguments), "--address", self.url]
        environment = {**os.environ, "RAY_AUTH_TOKEN_PATH": str(self.folder / "token")}
        return subprocess.run(full, capture_output=True, text=True, cwd=self.folder, env=environment, check=False)

    @property
    def home(self) -> Path:
        """The home of the head's user."""
        return self.folder / "home"

    @contextmanager
    def connect(self, token: str = TOKEN) -> Iterator[JobSubmissionClient]:
        """Connect to the job server from this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RAY_AUTH_TOKEN", token)
            with job_server(None, self.url) as client:
                yield client

    def new_out(self) -> str:
        """Return a place for results that was never used."""
        return s3_uri(self.endpoint, f"jobs/{next(numbers)}")

    def submit(self, text: str, out: str | None, *options: str) -> str:
        """Submit a sweep; return the job's id."""
        (self.folder / "sweep.yaml").write_text(text)
        place = [] if out is None else ["--out", out]
        result = self.bnsweep("submit", "sweep.yaml", *place, *options)
        assert (result.returncode, result.stderr) == (0, "")
        (job_id,) = re.findall(r"^submitted: (\S+)$", result.stdout, re.MULTILINE)
        return str(job_id)

    def wait_for_progress(self, job_id: str, out: str, holds: Callable[[RunProgress], bool]) -> RunProgress:
        """Wait until a job has written progress for which this holds; return it."""
        found = list[RunProgress]()
        with self.connect() as client:

            def is_found() -> bool:
                has_ended = find_job(client, job_id).has_ended
                progress = read_progress(Store.open(out).files)
                if progress and progress.job == job_id and holds(progress):
                    found.append(progress)
                assert found or not has_ended, client.get_job_logs(job_id)
                return bool(found)

            wait_until(is_found, f"progress of {job_id}")
        return found[0]

    def wait_for_end(self, job_id: str) -> Job:
        """Wait until a job has ended; return it."""
        with self.connect() as client:
            wait_until(lambda: find_job(client, job_id).has_ended, f"the end of {job_id}")
            return find_job(client, job_id)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody takes before Ray does: Linux and Ray give others to whoever asks for any."""
    own = range(20_000 + 10 * (os.getpid() % 1_200), 32_768)
    return list(itertools.islice(filter(is_free, own), count))


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Iterator[Cluster]:
    folder, scratch = tmp_path_factory.mktemp("jobs"), tempfile.mkdtemp(prefix="ray")  # a short path, for its sockets
    (folder / "token").write_text(TOKEN)
    (folder / "home").mkdir()
    port, dashboard, agent, for_clients = free_ports(4)
    options = ["--head", "--block", "--num-cpus=1", "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1"]
    ports = [f"--port={port}", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}"]
    ports.append(f"--ray-client-server-port={for_clients}")
    path = {"PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}
    started_in = {"HOME": str(folder / "home")}
    authentication = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
    process = subprocess.Popen(
        [ray_program(), "start", *options, *ports, f"--temp-dir={scratch}", "--disable-usage-stats"],
        env=os.environ | path | started_in | authentication | CREDENTIALS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started = Cluster(f"http://127.0.0.1:{dashboard}", folder, endpoint)
    try:
        wait_until(lambda: process.poll() is not None or is_up(started), "the job server")
        assert process.poll() is None
        yield started
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(scratch, ignore_errors=True)  # Ray writes there as it ends


def is_up(cluster: Cluster) -> bool:
    try:
        with cluster.connect() as client:
            client.list_jobs()
    except InputError:
        return False
    return True
