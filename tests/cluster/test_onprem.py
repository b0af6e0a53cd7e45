"""A cluster of a user's own hosts: who may use it, what it outlasts, and that nothing of it is left."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from tests.cluster.hosts import ROOT, Host
from tests.cluster.onprem import Cluster, bring_up, onprem_cluster
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.needs("ssh hosts")]

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


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with onprem_cluster(tmp_path_factory.mktemp("net"), SWEEP) as made:
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
    wait_until(lambda: any(results.glob("*.parquet")), "a commit on the head")
    early = cluster.on_cluster("fetch", "copy")
    assert f"{job}  RUNNING  " in early
    assert "~/bnsweep/results/cluster" in early
    wait_until(lambda: not cluster.on_cluster("status", job).startswith(f"{job}  RUNNING"), "the end")
    late = cluster.on_cluster("fetch", "copy")
    assert f"{job}  SUCCEEDED  {NUM_TRIALS}/{NUM_TRIALS} trials have a result" in late
    assert sum(rows(cluster, "copy").values()) == NUM_TRIALS
    assert cluster.bnsweep("verify", "copy").returncode == 0


def test_a_sweep_survives_a_lost_host_a_killed_raylet_and_a_new_host(cluster: Cluster) -> None:
    one, two, three = cluster.workers
    out = cluster.out("sweep")
    job = cluster.submit(out)
    again = cluster.bnsweep("submit", "sweep.yaml", "--out", out, "--cluster", "cluster.yaml")
    assert (again.returncode, f"job {job} writes there" in again.stderr) == (2, True), cluster.on_cluster("logs", job)

    wait_until(lambda: cluster.commits("sweep") >= 2, "two commits")
    cluster.net.disconnect(one)
    two.run("pkill", "-KILL", "raylet")
    cluster.net.reconnect(three)
    wait_until(lambda: cluster.job_state(job) != "RUNNING", "the end")

    status = cluster.on_cluster("status", job)
    assert f"{job}  SUCCEEDED  {NUM_TRIALS}/{NUM_TRIALS} trials have a result" in status
    assert ", 0 failed" in status
    assert f"all {NUM_TRIALS} trials have a result" in cluster.on_cluster("logs", job)
    verified = cluster.bnsweep("verify", out)
    assert verified.returncode == 0, verified.stdout
    hosts = rows(cluster, out)
    assert sum(hosts.values()) == NUM_TRIALS
    assert "three" in hosts


def test_a_head_whose_raylet_has_died_is_started_anew_and_its_sweep_continues(cluster: Cluster) -> None:
    """Its data came by rsync, its results are on the head's disk; meanwhile each command says what to do."""
    write_data(cluster)
    assert cluster.laptop.run("ray", "rsync-up", "cluster.yaml", "data/", "~/bnsweep/data/").returncode == 0
    cluster.on_cluster("submit", "of_data.yaml")
    results = cluster.head.folder / "home/bnsweep/results/of_data/trials"
    wait_until(lambda: any(results.glob("*.parquet")), "a commit on the head")
    cluster.head.run("pkill", "-KILL", "raylet")
    died = "cluster.yaml: Ray on the head has died"
    wait_until(lambda: died in cluster.bnsweep("status", "--cluster", "cluster.yaml").stderr, died)
    for command in (("submit", "of_data.yaml"), ("stop", "of_data")):
        refused = cluster.bnsweep(*command, "--cluster", "cluster.yaml")
        assert (refused.returncode, refused.stderr.count("\n"), died in refused.stderr) == (2, 1, True), refused
    bring_up(cluster.laptop)
    ask = ("ray", "exec", "cluster.yaml", "ray status")  # "it may take a few seconds"
    wait_until(lambda: "Autoscaler status" in cluster.laptop.run(*ask).stdout, "Ray's own status")
    cluster.on_cluster("submit", "of_data.yaml")
    wait_until(lambda: "  SUCCEEDED  " in cluster.on_cluster("status", "of_data"), "the end")
    assert f"{NUM_TRIALS}/{NUM_TRIALS} trials" in cluster.on_cluster("fetch", "copy_of_data")
    assert sum(rows(cluster, "copy_of_data").values()) == NUM_TRIALS
    assert cluster.bnsweep("verify", "copy_of_data").returncode == 0


def write_data(cluster: Cluster) -> None:
    """Write a sweep of data of the user's own into the laptop's home."""
    home, rng = cluster.laptop.folder / "home", np.random.default_rng(0)
    (home / "data").mkdir()
    x, y = rng.normal(size=(200, 1, 8, 8)), rng.integers(0, 4, 200)
    np.savez(home / "data/x.npz", train_x=x[:150], train_y=y[:150], test_x=x[150:], test_y=y[150:])
    text = SWEEP.replace("{name: digits}", "{name: npz, file: data/x.npz}").replace("name: cluster", "name: of_data", 1)
    (home / "of_data.yaml").write_text(text.replace("steps: 150", "steps: 400"))


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
        try:
            wait_until(lambda host=host: not of_ray(host), f"Ray to end on {host.name}")  # type: ignore[misc]
        except TimeoutError as error:
            raise AssertionError(f"{host.name}: {of_ray(host)}") from error


def of_ray(host: Host) -> list[str]:
    """Return Ray's processes; the head's ssh to a disconnected host is not counted, since it ends by itself."""
    return [line for line in host.processes("ray") if not line.startswith("ssh ")]
