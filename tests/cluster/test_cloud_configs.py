"""What holds for each cluster file: Ray accepts it; nodes have the locked Ray, a supported Python and the token."""

from __future__ import annotations

import json
import re
import tomllib
from copy import deepcopy
from typing import Any

import pytest
import yaml
from jsonschema import ValidationError
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.cluster.autoscaler import validated
from tests.cluster.aws import ROOT

CLOUDS = ("gpu", "gcp")
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "cluster" / f"{name}.yaml").read_text()))


@pytest.fixture(params=CLOUDS)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return read(request.param)


def test_ray_accepts_it(config: dict[str, Any]) -> None:
    prepared = validated(deepcopy(config))
    types = prepared["available_node_types"]
    assert prepared["head_node_type"] == "head"
    assert types["head"]["max_workers"] == 0
    assert all(types[name]["min_workers"] == 0 for name in types)
    assert types["gpu_spot"]["max_workers"] == prepared["max_workers"] > 0


def test_ray_refuses_an_unknown_key(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="max_worker"):
        validated(config | {"max_worker": 3})


def test_the_head_runs_no_trials_and_its_dashboard_is_on_loopback(config: dict[str, Any]) -> None:
    assert config["available_node_types"]["head"]["resources"] == {"CPU": 0}
    (start,) = [command for command in config["head_start_ray_commands"] if "ray start" in command]
    assert "--dashboard-host=127.0.0.1" in start
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in start


def test_every_node_has_the_token_and_requires_it(config: dict[str, Any]) -> None:
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert "-e RAY_AUTH_MODE=token" in config["docker"]["run_options"]


def test_every_node_installs_the_locked_packages(config: dict[str, Any]) -> None:
    assert config["file_mounts"]["~/requirements.lock"] == "requirements.lock"
    (install,) = config["setup_commands"]
    assert install.endswith("--requirements ~/requirements.lock")
    (uv,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"uv=={uv} " in install


@pytest.mark.parametrize("name", CLOUDS)
def test_images_have_the_locked_ray_and_a_python_that_bnsweep_supports(name: str) -> None:
    (locked,) = re.findall(r"^ray==(\S+)$", LOCK, re.MULTILINE)
    images = re.findall(
        r"rayproject/ray:([\d.]+)-py(\d)(\d+)(-gpu)?\b", (ROOT / "cluster" / f"{name}.yaml").read_text()
    )
    assert {bool(gpu) for *_, gpu in images} == {False, True}
    assert {version for version, *_ in images} == {locked}
    pythons = {f"{major}.{minor}" for _, major, minor, _ in images}
    assert all(python in SpecifierSet(PROJECT["requires-python"]) for python in pythons)


def test_what_ray_up_needs_on_the_laptop_is_locked() -> None:
    """Ray's `ray up` imports boto3, and so does the head, which has the same lock."""
    assert re.search(r"^boto3==", LOCK, re.MULTILINE)
    assert any(
        Requirement(item).name == "ray" and Requirement(item).extras >= {"default"} for item in PROJECT["dependencies"]
    )


def test_spot_and_on_demand_machines_differ_only_in_their_market() -> None:
    market = {"gpu": "InstanceMarketOptions", "gcp": "scheduling"}
    for name, key in market.items():
        spot, on_demand = (read(name)["available_node_types"][kind] for kind in ("gpu_spot", "gpu_on_demand"))
        assert "SPOT" in json.dumps(spot["node_config"].pop(key)).upper()
        assert "SPOT" not in json.dumps(on_demand["node_config"].pop(key, {})).upper()
        assert spot["node_config"] == on_demand["node_config"]
        assert spot["resources"] == on_demand["resources"]
