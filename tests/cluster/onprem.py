"""A cluster of a user's own hosts, by `ray up` and cluster/onprem.yaml over SSH: on namespaces of this machine.

A laptop outside, a head, three workers, the last of them disconnected at first, and an S3 server. The workers claim to
have GPUs, which Ray then hands out in fractions.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bnsweep.running.progress_file import PROGRESS
from tests.cluster.hosts import ROOT, Host, Network, network
from tests.results.faulty_s3 import ORDERS
from tests.waiting import wait_until

BUCKET = "sweeps"
CREDENTIALS = "[default]\naws_access_key_id = user\naws_secret_access_key = secret\n"  # moto's server takes any
SIGNED = ("--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "user:secret")
WORKER = "--num-cpus=1 --num-gpus=1 --object-store-memory=100000000"
API = 'curl -sf -H "Authorization: Bearer $(cat ~/.ray/auth_token)" http://127.0.0.1:8265'
MAX_TRIES = 3
STORE_PORT, FAULTY_PORT = 9000, 9001


@dataclass(frozen=True)
class Cluster:
    """The hosts by their role; `endpoint` is the S3 server as bnsweep sees it, through what may answer wrongly."""

    net: Network
    laptop: Host
    storage: Host
    head: Host
    workers: tuple[Host, Host, Host]
    endpoint: str

    def bnsweep(self, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run bnsweep on the laptop, outside the cluster."""
        return self.laptop.run(sys.executable, "-m", "bnsweep", *arguments, env={"PYTHONPATH": str(ROOT), **variables})

    def on_cluster(self, command: str, *arguments: object) -> str:
        """Run a command of bnsweep that talks to the cluster, from the laptop; return what it prints."""
        result = self.bnsweep(command, *arguments, "--cluster", "cluster.yaml")
        assert result.returncode == 0, result.stderr
        return result.stdout

    def submit(self, out: str) -> str:
        """Submit the sweep; return the job's id."""
        submitted = self.on_cluster("submit", "sweep.yaml", "--out", out)
        (job,) = (line.split()[1] for line in submitted.splitlines() if line.startswith("submitted: "))
        return job

    def out(self, folder: str) -> str:
        return f"s3://{BUCKET}/{folder}?endpoint_override={self.endpoint}&scheme=http"

    def commits(self, folder: str) -> int:
        """Return how many batches are committed, by asking the store itself."""
        asked = f"http://{self.storage.ip}:{STORE_PORT}/{BUCKET}?list-type=2&prefix={folder}/trials/"
        return self.laptop.run("curl", "-s", asked).stdout.count("<Key>")

    def working(self, folder: str) -> set[str]:
        """Return the names of the hosts that work, as the run's progress file says."""
        asked = f"http://{self.storage.ip}:{STORE_PORT}/{BUCKET}/{folder}/{PROGRESS}"
        found = self.laptop.run("curl", "-s", "-f", *SIGNED, asked)
        return set(json.loads(found.stdout)["hosts"]) if found.returncode == 0 else set()

    def order_fault(self, fault: str, method: str, part: str, times: int) -> None:
        """Have the store fail the next requests of a method whose path holds `part`."""
        order = json.dumps({"fault": fault, "method": method, "part": part, "times": times})
        assert self.laptop.run("curl", "-s", "-d", order, f"http://{self.endpoint}{ORDERS}").returncode == 0

    def faults_left(self) -> int:
        """Return how many of them have not come about."""
        return int(self.laptop.run("curl", "-s", f"http://{self.endpoint}{ORDERS}").stdout)

    def job_state(self, job: str) -> str:
        """Return what Ray calls the state of a job."""
        return str(self._api(f"/api/jobs/{job}")["status"])

    def alive(self) -> set[str]:
        """Return the names of the workers whose nodes are alive, as the head sees it."""
        nodes = self._api("/nodes?view=summary")["data"]["summary"]
        alive = {node.get("ip") for node in nodes if node.get("raylet", {}).get("state") == "ALIVE"}
        return {host.name for host in self.workers if host.ip in alive}

    def _api(self, path: str) -> Any:
        """Ask Ray's dashboard, which answers 500 now and then while nodes go."""
        answers = list[str]()

        def is_answered() -> bool:
            asked = self.head.run("bash", "-c", f"{API}'{path}'")
            answers.append(asked.stdout)
            return asked.returncode == 0

        wait_until(is_answered, f"an answer to {path}")
        return json.loads(answers[-1])


def configuration(net: Network, head: Host, workers: tuple[Host, ...]) -> dict[str, object]:
    """Return cluster/onprem.yaml for these hosts, which have the environment already."""
    config = YAML(typ="safe").load(ROOT / "cluster/onprem.yaml")
    config["provider"] |= {"head_ip": head.ip, "worker_ips": [worker.ip for worker in workers]}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": str(net.folder / "key")}
    config["setup_commands"] = config["setup_commands"][-1:]
    config["file_mounts"]["~/.aws/credentials"] = "~/.aws/credentials"
    del config["file_mounts"]["~/bnsweep/requirements.lock"]
    start = config["worker_start_ray_commands"]
    start[-1] = start[-1].replace("--block", f"{WORKER} --block").replace("export ", "export BNSWEEP_DEVICE=cpu ", 1)
    return config


@contextmanager
def onprem_cluster(folder: Path, sweep: str, *, head_disk: str | None = None) -> Iterator[Cluster]:
    """`ray up`; the third worker is disconnected.

    Args:
        folder: for all that the hosts write.
        sweep: the text of `sweep.yaml`, in the laptop's home.
        head_disk: the size of the head's /tmp, as mount(8) takes it; without one it is this machine's.
    """
    with network(folder) as net:
        laptop, storage = net.host("laptop", sees_code=True), net.host("storage")
        head = net.host("head", disk=head_disk)
        workers = (net.host("one"), net.host("two"), net.host("three"))
        net.disconnect(workers[2])
        for host in (head, *workers):
            (host.folder / "home/bnsweep").mkdir()
            (host.folder / "home/bnsweep/.venv").symlink_to(sys.prefix)
        store = net.serve(storage, "moto_server", "-H", "0.0.0.0", "-p", STORE_PORT, port=STORE_PORT)
        laptop.run("curl", "-s", "-X", "PUT", f"http://{store}/{BUCKET}")
        faulty = ("env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.results.faulty_s3", store, FAULTY_PORT)
        made = Cluster(net, laptop, storage, head, workers, net.serve(storage, *faulty, port=FAULTY_PORT))
        _write_home(made, sweep)
        assert laptop.run("ray", "get-auth-token", "--generate").returncode == 0
        bring_up(laptop)
        wait_until(lambda: made.alive() == {"one", "two"}, "two workers to join")
        yield made


def bring_up(laptop: Host) -> None:
    """`ray up`; again where the machine is too busy for the half minute that Ray gives a node."""
    for _ in range(MAX_TRIES):
        up = laptop.run("ray", "up", "-y", "cluster.yaml")
        if up.returncode == 0 or "timed out during startup" not in up.stdout + up.stderr:
            break
    assert up.returncode == 0, up.stdout + up.stderr


def _write_home(made: Cluster, sweep: str) -> None:
    """Write what a user has on the laptop."""
    home = made.laptop.folder / "home"
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(CREDENTIALS)
    (home / "cluster.yaml").write_text(json.dumps(configuration(made.net, made.head, made.workers)))  # JSON is YAML
    (home / "sweep.yaml").write_text(sweep)
