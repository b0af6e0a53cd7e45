"""cluster/kuberay.yaml against KubeRay's custom resource, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.allocatable import AUTOSCALER_POD, allocatable, left_for_us
from tests.cluster.autoscaler import on_kubernetes
from tests.cluster.aws import ROOT
from tests.cluster.kuberay import problems

TEXT = (ROOT / "cluster" / "kuberay.yaml").read_text()
RESOURCE = yaml.safe_load(TEXT)
CLUSTER = RESOURCE["spec"]["rayClusterSpec"]
DOCKERFILE = (ROOT / "cluster" / "Dockerfile").read_text()


def fields(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of the fields of a resource, without those of maps whose keys are free."""
    free = {"rayStartParams", "limits", "requests"}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(value, dict):
            yield (*path, key)
        if key not in free:
            yield from fields(item, (*path, key))


def parent_of(resource: Any, path: tuple[str | int, ...]) -> Any:
    for key in path[:-1]:
        resource = resource[key]
    return resource


def test_kuberay_accepts_it() -> None:
    assert problems(RESOURCE) == []


@pytest.mark.parametrize("path", list(fields(RESOURCE)), ids=lambda path: ".".join(map(str, path)))
def test_a_misspelt_field_is_refused(path: tuple[str | int, ...]) -> None:
    misspelt = deepcopy(RESOURCE)
    parent = parent_of(misspelt, path)
    parent[f"{path[-1]}x"] = parent.pop(path[-1])
    assert any(str(path[-1]) in problem for problem in problems(misspelt))


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("spec", "shutdownAfterJobFinishes"), "yes"),
        (("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("spec", "rayClusterSpec", "workerGroupSpecs", 0, "maxReplicas"), "4"),
        (("spec", "rayClusterSpec", "authOptions", "mode"), "on"),
        (("spec", "rayClusterSpec", "headGroupSpec", "template", "spec", "containers", 0, "image"), 7),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(path: tuple[str | int, ...], wrong: object) -> None:
    mistyped = deepcopy(RESOURCE)
    parent_of(mistyped, path)[path[-1]] = wrong
    where = ".".join(map(str, path))
    assert [problem for problem in problems(mistyped) if problem.startswith(f"{where}: ")]


def test_it_scales_from_zero_shuts_down_by_itself_and_requires_a_token() -> None:
    (workers,) = CLUSTER["workerGroupSpecs"]
    assert CLUSTER["enableInTreeAutoscaling"] is True
    assert workers["minReplicas"] == 0 < workers["maxReplicas"]
    assert CLUSTER["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
    assert RESOURCE["spec"]["shutdownAfterJobFinishes"] is True
    assert CLUSTER["authOptions"] == {"mode": "token"}


def test_a_head_that_is_lost_is_replaced_and_its_successor_continues() -> None:
    """KubeRay itself retries nothing; each retry is another cluster, which runs the same command."""
    assert 1 <= RESOURCE["spec"]["backoffLimit"] <= 5
    entrypoint = RESOURCE["spec"]["entrypoint"].split()
    assert "://" in entrypoint[entrypoint.index("--out") + 1], "a pod's disk goes with the pod"


@pytest.mark.parametrize(
    ("template", "beside", "nodes"),
    [
        (CLUSTER["headGroupSpec"]["template"], AUTOSCALER_POD, ["EKS m7i.large", "GKE e2-standard-4"]),
        (CLUSTER["workerGroupSpecs"][0]["template"], (0.0, 0.0), ["EKS g6.xlarge", "GKE g2-standard-4"]),
    ],
    ids=["head", "worker"],
)
def test_pods_fit_on_the_nodes_that_the_file_names(
    template: dict[str, Any], beside: tuple[float, float], nodes: list[str]
) -> None:
    (container,) = template["spec"]["containers"]
    requests = container["resources"]["requests"]
    assert container["resources"]["limits"] == requests, "more than what was asked for is not there when it is needed"
    assert requests["memory"].endswith("Gi")
    asked = (float(requests["cpu"]) + beside[0], float(requests["memory"][:-2]) + beside[1])
    for node in nodes:
        left = left_for_us(node)
        assert asked[0] <= left[0], f"CPUs on {node}"
        assert asked[1] <= left[1], f"memory on {node}"
        assert f"{node.split()[0]}'s {node.split()[1]}" in TEXT.replace("\n                # ", " ")


def test_what_a_node_leaves_is_less_than_it_has() -> None:
    cpus, memory_gib = allocatable("GKE g2-standard-4")
    assert round(cpus, 2) == 3.92
    assert 12.5 < memory_gib < 13


def test_the_autoscaler_grows_as_fast_as_there_is_work() -> None:
    config = on_kubernetes(CLUSTER)
    assert config["upscaling_speed"] >= 100
    assert config["idle_timeout_minutes"] == 5
    assert config["available_node_types"]["gpu"]["resources"].items() >= {"CPU": 3, "GPU": 1}.items()
    assert config["available_node_types"]["headgroup"]["resources"]["CPU"] == 0
    assert config["max_workers"] == CLUSTER["workerGroupSpecs"][0]["maxReplicas"]


@pytest.mark.parametrize("key", ["labels", "activeDeadlineSeconds"])
def test_what_may_be_added_is_accepted_too(key: str) -> None:
    added = re.sub(rf"^( +)# ({key}: .*)$", r"\1\2", TEXT, flags=re.MULTILINE)
    assert added != TEXT
    assert problems(yaml.safe_load(added)) == []


def test_kueues_label_and_what_it_asks_of_the_rest() -> None:
    (label,) = re.findall(r"# labels: \{(\S+): \S+\}", TEXT)
    assert label == "kueue.x-k8s.io/queue-name"
    queued = deepcopy(RESOURCE)
    queued["spec"]["rayClusterSpec"]["enableInTreeAutoscaling"] = False
    (replicas,) = re.findall(r"`replicas: (\d+)`", TEXT)
    queued["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replicas"] = int(replicas)
    assert int(replicas) == CLUSTER["workerGroupSpecs"][0]["maxReplicas"]
    assert problems(queued) == []


def test_it_has_the_locked_ray_and_its_image_holds_the_sweep() -> None:
    (locked,) = re.findall(r"^ray==(\S+)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert CLUSTER["rayVersion"] == locked
    copied = [line.split()[-2:] for line in DOCKERFILE.splitlines() if line.startswith("COPY --chown")]
    assert all((ROOT / source).exists() for source, _ in copied)
    sweep = RESOURCE["spec"]["entrypoint"].split()[2]
    assert Path(sweep).relative_to("/home/ray") == Path("image") / "sweeps" / "mini.yaml"
    assert ["sweeps", "image/sweeps"] in copied
    assert (ROOT / "sweeps" / "mini.yaml").exists()
