"""What a run makes of the cluster it is on: how many workers, and how data travels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.executors import make_executor, ray_tune_cluster
from bnsweep.executors.ray_tune_cluster import Node, count_workers, nodes_to_come
from bnsweep.executors.ray_tune_data import share_datasets
from bnsweep.spec.datasets import DigitsSpec
from bnsweep.spec.resources import Resources

HEAD: Node = {"memory": 1e9}
GPU_NODE: Node = {"CPU": 8.0, "GPU": 1.0}


@pytest.mark.parametrize(
    ("here", "to_come", "gpus", "workers"),
    [
        ([GPU_NODE, GPU_NODE], [], 0.25, 8),
        ([GPU_NODE, GPU_NODE], [], 0.3, 6),
        ([{"CPU": 8.0, "GPU": 2.0}], [], 0.4, 4),
        ([{"CPU": 8.0, "GPU": 8.0}], [], 1, 8),
        ([{"CPU": 64.0, "GPU": 8.0}], [], 2, 4),
        ([HEAD], [GPU_NODE] * 4, 0.5, 8),
        ([HEAD, GPU_NODE], [GPU_NODE] * 4, 0.5, 8),
        ([HEAD], [{}] * 5, 0.5, 5),
        ([HEAD, GPU_NODE, GPU_NODE], [{}, {}], 0.25, 8),
    ],
)
def test_workers_are_those_of_the_nodes_that_are_there_or_may_come(
    here: list[Node], to_come: list[Node], gpus: float, workers: int
) -> None:
    assert count_workers(Resources(cpus=1, gpus=gpus), here, to_come, "no node has more than") == workers


@pytest.mark.parametrize("to_come", [[], [GPU_NODE], [{}]])
def test_more_than_any_node_has_or_will_have_is_refused(to_come: list[Node]) -> None:
    with pytest.raises(InputError, match=r"resources\.gpus: 2 asked for, no node has more than 1; set gpus: 0"):
        count_workers(Resources(gpus=2), [HEAD, GPU_NODE], to_come, "no node has more than")


AWS = """
max_workers: 3
head_node_type: head
available_node_types:
  head: {max_workers: 0, resources: {CPU: 0}}
  spot: {max_workers: 2, resources: {CPU: 8, GPU: 1}}
  on_demand: {max_workers: 2, resources: {CPU: 8, GPU: 1}}
"""
LOCAL = """
max_workers: 2
head_node_type: local.cluster.node
available_node_types: {local.cluster.node: {max_workers: 2, node_config: {}, resources: {}}}
"""


@pytest.mark.parametrize(
    ("text", "nodes"),
    [(AWS, [{"CPU": 8, "GPU": 1}] * 3), (LOCAL, [{}, {}]), (None, [])],
    ids=["types with resources", "hosts of one's own", "no autoscaler"],
)
def test_what_may_come_is_read_from_the_autoscalers_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, nodes: list[Node]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(ray_tune_cluster.KUBERAY, raising=False)
    if text:
        (tmp_path / "ray_bootstrap_config.yaml").write_text(text)
    assert nodes_to_come() == nodes


def test_on_kubernetes_nodes_may_come_of_which_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(ray_tune_cluster.KUBERAY, "1")
    assert set(map(len, nodes_to_come())) == {0}


@pytest.fixture(scope="module")
def two_hosts() -> Iterator[None]:
    """A cluster of two hosts, as far as their addresses tell."""
    with cluster_of(2) as _:
        yield


@contextmanager
def cluster_of(hosts: int) -> Iterator[Cluster]:
    """A cluster of hosts with a processor each, as far as their addresses tell, and a driver on the first."""
    cluster = Cluster()
    try:
        for _ in range(hosts):
            add_host(cluster)
        ray.init(cluster.address, log_to_driver=False)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def add_host(cluster: Cluster, num_gpus: int = 0, num_cpus: int = 1) -> None:
    address = f"127.0.0.{2 + len(cluster.list_all_nodes())}"
    cluster.add_node(
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        node_ip_address=address,
        object_store_memory=10**8,
        dashboard_port=None,  # any free one: where its usual one is taken, Ray leaves a socket open
    )


def test_a_ray_that_the_process_has_is_left_alone(two_hosts: None) -> None:
    with (
        pytest.raises(InputError, match=r"started in this process already; call ray\.shutdown\(\)"),
        make_executor("ray"),
    ):
        pass
    assert len(ray.nodes()) == 2


@pytest.mark.long
def test_a_data_set_is_the_same_and_one_copy_for_all_workers_of_a_node(two_hosts: None) -> None:
    data = load_dataset(DigitsSpec(name="digits"))
    share_datasets()
    reference = ray.put({"digits": data})

    @ray.remote
    def look(there: dict[str, object]) -> tuple[bool, str]:
        got = there["digits"]
        address = got.train_x.data_ptr()  # type: ignore[attr-defined]
        for line in Path("/proc/self/maps").read_text().splitlines():
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if first <= address < last:
                return bool((got.train_x == data.train_x).all()), line.split(maxsplit=5)[-1]  # type: ignore[attr-defined]
        raise AssertionError(address)

    is_same, place = ray.get(look.remote(reference))
    assert is_same
    assert "plasma" in place or "/dev/shm" in place
