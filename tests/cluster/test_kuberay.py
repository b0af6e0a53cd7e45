"""cluster/kuberay.yaml against KubeRay's custom resource, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.aws import ROOT
from tests.cluster.kuberay import problems

RESOURCE = yaml.safe_load((ROOT / "cluster" / "kuberay.yaml").read_text())
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


def test_it_has_the_locked_ray_and_its_image_holds_the_sweep() -> None:
    (locked,) = re.findall(r"^ray==(\S+)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert CLUSTER["rayVersion"] == locked
    assert f"FROM rayproject/ray:{locked}-py311-gpu\n" in DOCKERFILE
    copied = [line.split()[-2:] for line in DOCKERFILE.splitlines() if line.startswith("COPY --chown")]
    assert all((ROOT / source).exists() for source, _ in copied)
    sweep = RESOURCE["spec"]["entrypoint"].split()[2]
    assert Path(sweep).relative_to("/home/ray") == Path("bnsweep") / "sweeps" / "mini.yaml"
    assert ["sweeps", "bnsweep/sweeps"] in copied
    assert (ROOT / "sweeps" / "mini.yaml").exists()
