"""A cluster of a user's own hosts, started by `ray up` over SSH: on namespaces of this machine.

A laptop outside, a head, three workers, one of them disconnected at first, and an S3 server. The workers claim to have
GPUs, which Ray then hands out in fractions.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from ruamel.yaml import YAML

from tests.cluster.hosts import ROOT, Host, Network, network
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.needs("ssh hosts")]

BUCKET = "sweeps"
CREDENTIALS = "[default]\naws_access_key_id = user\naws_secret_access_key = secret\n"  # moto's server takes any
WORKER = "--num-cpus=1 --num-gpus=1 --object-store-memory=100000000"
SWEEP = """
name: cluster
model: {name: vgg, widths: [8, M, 8]}
dataset: {name: digits}
train: {steps: 150, batch_size: 32, eval_every: 50}
axes: {norm: [none, batch], lr: [0.1, 0.2], seed: {range: 6}}
probes: {landscape: {every: 50}, ics: {every: 50}, moments: {every: 50}}
resources: {cpus: 0.5, gpus: 0.5}
"""
NUM_TRIALS = 24


@dataclass(frozen=True)
class Cluster:
    """The hosts by their role, and where the S3 server is."""

    net: Network
    laptop: Host
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

    def out(self, folder: str) -> str:
        return f"s3://{BUCKET}/{folder}?endpoint_override={self.endpoint}&scheme=http"

    def commits(self, folder: str) -> int:
        """Return how many batches are committed."""
        listed = self.laptop.run("curl", "-s", f"http://{self.endpoint}/{BUCKET}?list-type=2&prefix={folder}/trials/")
        return listed.stdout.count("<Key>")

    def gpus(self) -> float:
        """Return how many GPUs the cluster's living nodes claim to have."""
        code = "import ray; ray.init('auto', log_to_driver=False); print(ray.cluster_resources().get('GPU', 0))"
        return float(self.head.run(sys.executable, "-c", code, env={"RAY_AUTH_MODE": "token"}).stdout or 0)


def configuration(net: Network, head: Host, workers: tuple[Host, ...]) -> dict[str, object]:
    """Return cluster/onprem.yaml for these hosts, which have the environment already."""
    config = YAML(typ="safe").load(ROOT / "cluster/onprem.yaml")
    config["provider"] |= {"head_ip": head.ip, "worker_ips": [worker.ip for worker in workers]}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": str(net.folder / "key")}
    config["setup_commands"] = []
    config["file_mounts"]["~/.aws/credentials"] = "~/.aws/credentials"
    del config["file_mounts"]["~/bnsweep/requirements.lock"]
    start = config["worker_start_ray_commands"]
    start[-1] = start[-1].replace("--block", f"{WORKER} --block").replace("export ", "export BNSWEEP_DEVICE=cpu ", 1)
    return config


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """`ray up`; the third worker is disconnected."""
    with network(tmp_path_factory.mktemp("net")) as net:
        laptop, storage, head = net.host("laptop", sees_code=True), net.host("storage"), net.host("head")
        workers = (net.host("one"), net.host("two"), net.host("three"))
        net.disconnect(workers[2])
        for host in (head, *workers):
            (host.folder / "home/bnsweep").mkdir()
            (host.folder / "home/bnsweep/.venv").symlink_to(sys.prefix)
        endpoint = net.serve(storage, "moto_server", "-H", "0.0.0.0", "-p", 9000, port=9000)
        laptop.run("curl", "-s", "-X", "PUT", f"http://{endpoint}/{BUCKET}")
        home = laptop.folder / "home"
        (home / ".aws").mkdir()
        (home / ".aws/credentials").write_text(CREDENTIALS)
        (home / "cluster.yaml").write_text(json.dumps(configuration(net, head, workers)))  # JSON is YAML
        (home / "sweep.yaml").write_text(SWEEP)
        assert laptop.run("ray", "get-auth-token", "--generate").returncode == 0
        up = laptop.run("ray", "up", "-y", "cluster.yaml")
        assert up.returncode == 0, up.stdout + up.stderr
        made = Cluster(net, laptop, head, workers, endpoint)
        wait_until(lambda: made.gpus() == 2, "two workers to join", within_s=90)
        yield made


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"RAY_AUTH_TOKEN": "wrong"}, "the token in RAY_AUTH_TOKEN is not the cluster's"),
        ({"RAY_AUTH_TOKEN_PATH": "/nowhere"}, "requires a token, and there is none in /nowhere"),
    ],
    ids=["wrong", "missing"],
)
def test_without_the_token_a_sweep_is_refused(cluster: Cluster, variables: dict[str, str], message: str) -> None:
    refused = cluster.bnsweep(
        "submit", "sweep.yaml", "--out", cluster.out("no"), "--cluster", "cluster.yaml", **variables
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert message in refused.stderr
    assert "`ray get-auth-token`" in refused.stderr
    assert cluster.commits("no") == 0


def test_without_a_bucket_results_come_through_the_tunnel(cluster: Cluster) -> None:
    """While the sweep runs, and once more after its end: then only what is new."""
    submitted = cluster.on_cluster("submit", "sweep.yaml")
    (job,) = (line.split()[1] for line in submitted.splitlines() if line.startswith("submitted: "))
    results = cluster.head.folder / "home/bnsweep/results/cluster/trials"
    wait_until(lambda: len(list(results.glob("*.parquet"))) >= 2, "a commit on the head", within_s=150)
    early = cluster.on_cluster("fetch", "copy")
    assert f"{job}  RUNNING  " in early
    assert "~/bnsweep/results/cluster" in early
    wait_until(lambda: not cluster.on_cluster("status", job).startswith(f"{job}  RUNNING"), "the end", within_s=150)
    late = cluster.on_cluster("fetch", "copy")
    assert f"{job}  SUCCEEDED  {NUM_TRIALS}/{NUM_TRIALS} trials have a result" in late
    assert sum(rows(cluster, "copy").values()) == NUM_TRIALS
    assert cluster.bnsweep("verify", "copy").returncode == 0


def test_a_sweep_survives_a_lost_host_a_killed_raylet_and_a_new_host(cluster: Cluster) -> None:
    one, two, three = cluster.workers
    out = cluster.out("sweep")
    submitted = cluster.on_cluster("submit", "sweep.yaml", "--out", out)
    assert f"cluster: {NUM_TRIALS} trials declared" in submitted
    (job,) = (line.split()[1] for line in submitted.splitlines() if line.startswith("submitted: "))
    again = cluster.bnsweep("submit", "sweep.yaml", "--out", out, "--cluster", "cluster.yaml")
    assert (again.returncode, f"job {job} writes there" in again.stderr) == (2, True), cluster.on_cluster("logs", job)

    wait_until(lambda: cluster.commits("sweep") >= 2, "two commits")
    cluster.net.disconnect(one)
    two.run("pkill", "-KILL", "raylet")
    cluster.net.reconnect(three)
    wait_until(lambda: not cluster.on_cluster("status", job).startswith(f"{job}  RUNNING"), "the end", within_s=150)

    status = cluster.on_cluster("status", job)
    assert f"{job}  SUCCEEDED  {NUM_TRIALS}/{NUM_TRIALS} trials have a result" in status
    assert ", 0 failed" in status
    assert f"all {NUM_TRIALS} trials have a result" in cluster.on_cluster("logs", job)
    verified = cluster.bnsweep("verify", out)
    assert verified.returncode == 0, verified.stdout
    hosts = rows(cluster, out)
    assert sum(hosts.values()) == NUM_TRIALS
    assert "three" in hosts


def rows(cluster: Cluster, out: str) -> dict[str, int]:
    """Return how many trials each host ran; none of them failed."""
    code = (
        "import collections, json, sys; from bnsweep.results import Store; store = Store.open(sys.argv[1]);"
        "assert store.read('failures').num_rows == 0;"
        "print(json.dumps(collections.Counter(store.read('trials')['host'].to_pylist())))"
    )
    counted = cluster.laptop.run(sys.executable, "-c", code, out, env={"PYTHONPATH": str(ROOT)})
    assert counted.returncode == 0, counted.stderr
    return dict(json.loads(counted.stdout))


def test_ray_down_leaves_no_process(cluster: Cluster) -> None:
    """Also on the disconnected host: there Ray ends by itself, after long enough without the head."""
    assert cluster.laptop.run("ray", "down", "-y", "cluster.yaml").returncode == 0
    for host in (cluster.head, *cluster.workers):
        wait_until(lambda host=host: not of_ray(host), f"Ray to end on {host.name}", within_s=240)  # type: ignore[misc]


def of_ray(host: Host) -> list[str]:
    """Return Ray's processes; the head's ssh to a disconnected host is not counted, since it ends by itself."""
    return [line for line in host.processes("ray") if not line.startswith("ssh ")]
