"""Submit, status, logs and stop, against the job server of a Ray that runs on this machine."""

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
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.test_cli import refused
from tests.conftest import TINY
from tests.results.conftest import CREDENTIALS, endpoint, s3_uri

__all__ = ["endpoint"]
Write = Callable[..., Path]
numbers = itertools.count()
LONG = TINY.replace("steps: 6", "steps: 400").replace("range: 2", "range: 10")


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass(frozen=True)
class Server:
    """A cluster of this one machine, and the folder that sweeps are submitted from."""

    url: str
    folder: Path
    endpoint: str

    def bnsweep(self, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run bnsweep as a user who has the token."""
        command = [sys.executable, "-m", "bnsweep", *map(str, arguments)]
        variables = {"RAY_AUTH_TOKEN_PATH": str(self.folder / "token"), **variables}
        return subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, env=os.environ | variables, check=False
        )

    def on(self, command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a command that talks to the cluster."""
        return self.bnsweep(command, *arguments, "--address", self.url)

    def submit(self, text: str) -> tuple[str, str]:
        """Submit a sweep to a place of its own; return the job and the place."""
        out = s3_uri(self.endpoint, f"jobs/{next(numbers)}")
        (self.folder / "sweep.yaml").write_text(text)
        result = self.on("submit", "sweep.yaml", "--out", out)
        assert result.returncode == 0, result.stderr
        return re.findall(r"submitted: (\S+)", result.stdout)[0], out

    def wait(self, job: str, holds: Callable[[str], object]) -> str:
        """Ask for the job's status until it `holds`, or the job ends; return it."""
        while True:
            line = self.on("status", job).stdout
            if holds(line) or not re.search("PENDING|RUNNING", line):
                return line


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Iterator[Server]:
    folder, scratch = tmp_path_factory.mktemp("jobs"), tempfile.mkdtemp(prefix="ray")  # a short path, for its sockets
    (folder / "token").write_text("a-token-of-the-tests")
    port, dashboard, agent = free_ports(3)
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=1"]
    places = ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--temp-dir={scratch}"]
    ports = [f"--port={port}", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}"]
    path = {"PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
    process = subprocess.Popen(
        [*command, *places, *ports, "--disable-usage-stats"],
        env=os.environ | path | token | CREDENTIALS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started = Server(f"http://127.0.0.1:{dashboard}", folder, endpoint)
    try:
        while started.on("status").returncode != 0:
            assert process.poll() is None
        yield started
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(scratch, ignore_errors=True)  # what Ray still writes as it ends


def test_a_sweep_is_submitted_and_watched_to_its_end(server: Server) -> None:
    assert server.on("submit", "nowhere.yaml", "--out", "s3://b/x").returncode == 2
    job, out = server.submit(TINY)
    assert re.fullmatch(r"tiny-[0-9a-f]{8}", job)
    followed = server.on("logs", "-f", job)
    assert "tiny: 0 of 12 trials done, 12 to run" in followed.stdout, followed.stderr
    assert "all 12 trials have a result" in followed.stdout
    line = server.wait(job, lambda line: "SUCCEEDED" in line)
    assert line == f"{job}  SUCCEEDED  12/12 trials have a result, 6 diverged, 0 failed  {out}\n"
    assert line in server.on("status").stdout
    assert server.on("logs", job).stdout == followed.stdout
    assert server.bnsweep("verify", out, **CREDENTIALS).returncode == 0


def test_a_stopped_job_keeps_its_work_and_submitting_again_continues(server: Server) -> None:
    job, out = server.submit(LONG)
    assert "RUNNING" in server.wait(job, lambda line: re.search(r"  [1-9]\d*/60 trials", line))
    busy = server.on("submit", "sweep.yaml", "--out", out)
    refused(busy, rf"--out .*: job {job} is writing there \(RUNNING\); .*`bnsweep stop {job}`")
    stopped = server.on("stop", job)
    assert (stopped.returncode, f"kept in {out}" in stopped.stdout) == (0, True), stopped.stderr
    (done,) = re.findall(rf"{job}  STOPPED  (\d+)/60 trials have a result", stopped.stdout)
    told = re.findall(r"interrupted: (\d+) of 60 trials have a result", server.on("logs", job).stdout)
    assert told, server.on("logs", job).stdout
    assert 0 < int(done) <= int(told[0]) < 60
    again = server.on("submit", "sweep.yaml", "--out", out)
    (next_job,) = re.findall(r"submitted: (\S+)", again.stdout)
    server.wait(next_job, lambda line: "no progress" not in line)
    assert f"tiny: {told[0]} of 60 trials done" in server.on("logs", next_job).stdout
    assert server.on("stop", next_job).returncode == 0


REFUSED = [
    (("--out", "results/x"), r"--out results/x: results must be on object storage, s3://…: .* share no disk"),
    (("--out", "file:///x"), r"--out file:///x: results must be on object storage"),
    (("--out", "s4://b/x"), r"--out s4://b/x: unknown kind of storage 's4'; .*did you mean 's3'\?"),
    (("--out", "s3://b/x"), r"give either --cluster FILE, .*, or --address URL"),
    (("--out", "s3://b/x", "--address", "127.0.0.1:1"), r"--address 127\.0\.0\.1:1: no Ray job server answers"),
    (("--out", "s3://b/x", "--address", "ray://127.0.0.1:1"), r"--address ray://127\.0\.0\.1:1: give the URL"),
    (("--out", "s3://b/x", "--address", "http://[x"), r"--address http://\[x: "),
    (("--out", "s3://b/x", "--cluster", "nowhere.yaml"), r"--cluster nowhere\.yaml: no such file"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[entry[1][:40] for entry in REFUSED])
def test_bad_input_is_refused(sweep_file: Write, options: tuple[str, ...], message: str) -> None:
    command = [sys.executable, "-m", "bnsweep", "submit", str(sweep_file()), *options]
    refused(subprocess.run(command, capture_output=True, text=True, check=False), message)


def test_what_answers_but_is_no_job_server_is_refused(sweep_file: Write, endpoint: str) -> None:
    command = [sys.executable, "-m", "bnsweep", "submit", str(sweep_file()), "--out", "s3://b/x", "--address", endpoint]
    refused(subprocess.run(command, capture_output=True, text=True, check=False), "what answers is no Ray job server")


def test_a_cluster_that_is_not_up_is_refused(sweep_file: Write, tmp_path: Path) -> None:
    down = tmp_path / "down.yaml"
    down.write_text(
        "cluster_name: x\nprovider: {type: local, head_ip: 127.0.0.1, worker_ips: []}\n"
        f"auth: {{ssh_user: nobody, ssh_private_key: {tmp_path}/key}}\n"
    )
    command = [sys.executable, "-m", "bnsweep", "status", "--cluster", str(down)]
    refused(
        subprocess.run(command, capture_output=True, text=True, check=False),
        r"--cluster .*down\.yaml: its head is not reached; is the cluster up\?",
    )


def test_wrong_and_missing_tokens_and_unknown_jobs_are_told(server: Server) -> None:
    wrong = server.bnsweep("status", "--address", server.url, RAY_AUTH_TOKEN="wrong")
    refused(wrong, r"the token in RAY_AUTH_TOKEN is not the cluster's; the one on the cluster's head .*get-auth-token")
    missing = server.bnsweep("status", "--address", server.url, RAY_AUTH_TOKEN_PATH="/nowhere")
    refused(missing, r"wants a token, and there is none in /nowhere; .*`ray get-auth-token --generate` before `ray up`")
    refused(server.on("logs", "nothing"), r"nothing: no jobs of the cluster begin with it")
