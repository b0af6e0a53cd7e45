"""What holds for each cluster file of a cloud: Ray and the cloud accept it; nodes have a driver, a GPU, the token."""

from __future__ import annotations

import json
import re
import tomllib
from copy import deepcopy
from pathlib import PurePosixPath
from typing import Any

import pytest
import torch
import yaml
from jsonschema import ValidationError
from packaging.requirements import Requirement

from bnsweep.jobs.place import HEAD_FOLDER
from bnsweep.training.gpu import MIN_DRIVERS
from tests.cluster.autoscaler import validated
from tests.cluster.aws import ROOT
from tests.cluster.gce import driver_of, problems

CLOUDS = ("gpu", "gcp")
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDED_DRIVER = MIN_DRIVERS[int(str(torch.version.cuda).split(".")[0])]


def text_of(name: str) -> str:
    return (ROOT / "cluster" / f"{name}.yaml").read_text()


def read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text_of(name)))


@pytest.fixture(params=CLOUDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def config(name: str) -> dict[str, Any]:
    return read(name)


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


def test_what_it_costs_at_most_is_bounded(config: dict[str, Any]) -> None:
    """By few machines, which go back soon and whose disks go with them."""
    assert 0 < config["max_workers"] <= 4
    assert 0 < config["idle_timeout_minutes"] <= 5
    assert config["provider"]["cache_stopped_nodes"] is False


def test_the_head_runs_no_trials_and_its_dashboard_is_on_loopback(config: dict[str, Any]) -> None:
    assert config["available_node_types"]["head"]["resources"] == {"CPU": 0}
    (start,) = [command for command in config["head_start_ray_commands"] if "ray start" in command]
    assert "--dashboard-host=127.0.0.1" in start
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in start


def test_every_node_has_the_token_and_requires_it(config: dict[str, Any]) -> None:
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert "-e RAY_AUTH_MODE=token" in config["docker"]["run_options"]


def test_results_on_the_heads_disk_outlive_its_container(config: dict[str, Any]) -> None:
    """Ray removes a container that it stops, as `ray up` does where the file was edited."""
    home = f"/home/{config['auth']['ssh_user']}"
    assert f"-v {home}/bnsweep:/home/ray/{PurePosixPath(HEAD_FOLDER).name}" in config["docker"]["head_run_options"]
    assert any("mkdir -p ~/bnsweep && chmod 777 ~/bnsweep" in command for command in config["initialization_commands"])


def test_workers_containers_are_given_the_gpu(config: dict[str, Any]) -> None:
    """Ray adds --runtime=nvidia where there is a GPU, which hands over what this names; a head has none."""
    visible = "-e NVIDIA_VISIBLE_DEVICES=all"
    assert visible in config["docker"]["worker_run_options"]
    assert visible not in [*config["docker"]["run_options"], *config["docker"].get("head_run_options", [])]
    assert not config["docker"].get("disable_automatic_runtime_detection")


def test_a_spot_machine_is_not_paid_for_while_it_grows_slowly() -> None:
    """Autoscaler v2, which Google's head runs, launches as many at once as there are, times this."""
    assert validated(read("gcp"))["upscaling_speed"] >= 100


def test_spot_and_on_demand_machines_differ_only_in_their_market() -> None:
    market = {"gpu": "InstanceMarketOptions", "gcp": "scheduling"}
    for name, key in market.items():
        spot, on_demand = (read(name)["available_node_types"][kind] for kind in ("gpu_spot", "gpu_on_demand"))
        assert "SPOT" in json.dumps(spot["node_config"].pop(key)).upper()
        assert "SPOT" not in json.dumps(on_demand["node_config"].pop(key, {})).upper()
        assert spot["node_config"] == on_demand["node_config"]
        assert spot["resources"] == on_demand["resources"]


def test_what_ray_up_needs_on_the_laptop_is_locked() -> None:
    """Ray's `ray up` imports boto3, and so does the head, which has the same lock."""
    assert re.search(r"^boto3==", LOCK, re.MULTILINE)
    assert any(
        Requirement(item).name == "ray" and Requirement(item).extras >= {"default"} for item in PROJECT["dependencies"]
    )


def test_compute_engine_accepts_every_machine_of_gcp() -> None:
    config = read("gcp")
    for node_type in config["available_node_types"].values():
        assert problems(node_type["node_config"], config["provider"]["availability_zone"]) == []


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda node: node["disks"][0]["initializeParams"].pop("diskType"), "takes no pd-standard"),
        (lambda node: node["disks"][0]["initializeParams"].update(diskType="pd-balanced"), "does not match"),
        (lambda node: node["disks"][0].update(autoDelete=False), "True was expected"),
        (lambda node: node.pop("scheduling"), "onHostMaintenance must be TERMINATE"),
        (lambda node: node.update(machinetype="g2-standard-4"), "machinetype"),
    ],
    ids=["default disk", "disk type without its path", "disk that stays", "moved while it runs", "misspelt"],
)
def test_what_compute_engine_refuses_is_found(edit: Any, problem: str) -> None:
    config = deepcopy(read("gcp"))
    node = config["available_node_types"]["gpu_spot"]["node_config"]
    edit(node)
    assert any(problem in found for found in problems(node, config["provider"]["availability_zone"]))


def test_machines_have_a_driver_that_is_new_enough() -> None:
    disk = read("gcp")["available_node_types"]["gpu_spot"]["node_config"]["disks"][0]["initializeParams"]
    assert (driver_of(disk["sourceImage"]) or 0) >= NEEDED_DRIVER
    for name in (*CLOUDS, "kuberay"):
        assert re.search(rf"NVIDIA driver\b.*\b{NEEDED_DRIVER} or newer", text_of(name).replace("\n#", "")), name


def test_project_and_place_are_the_same_wherever_they_are_named() -> None:
    gcp = read("gcp")["provider"]
    assert set(re.findall(r"\bus-[a-z]+\d\b", text_of("gcp"))) == {gcp["region"]}
    assert set(re.findall(r"\bus-[a-z]+\d-[a-z]\b", text_of("gcp"))) == {gcp["availability_zone"]}
    assert set(re.findall(r"@([\w-]+)\.iam", text_of("gcp"))) == {gcp["project_id"]}
    assert set(re.findall(r"\bus-[a-z]+-\d\b", text_of("gpu"))) == {read("gpu")["provider"]["region"]}
