"""cluster/aws.yaml and `ray up cluster/gpu.yaml` against moto's AWS: what they start, up to the first use of SSH."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from ray.autoscaler import sdk

from tests.cluster.autoscaler import Availability, is_available, launch, next_node_type
from tests.cluster.aws import ROOT, Laptop, account, make_laptop
from tests.waiting import wait_until

CONFIG = yaml.safe_load((ROOT / "cluster" / "gpu.yaml").read_text())
pytestmark = pytest.mark.long
SCORER = "RAY_AUTOSCALER_UTILIZATION_SCORER"
TRIALS_OF_ONE_GPU = [{"CPU": 1, "GPU": 0.25}] * 4


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """What a user has after the first two commands of gpu.yaml."""
    with account() as endpoint:
        laptop = make_laptop(tmp_path_factory.mktemp("laptop"), endpoint)
        template = (ROOT / "cluster" / "aws.yaml").read_text()
        laptop.client("cloudformation").create_stack(
            StackName="bnsweep", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        laptop.run("ray", "get-auth-token", "--generate")
        yield laptop


@pytest.fixture(scope="module")
def bootstrapped(laptop: Laptop) -> Iterator[dict[str, Any]]:
    """gpu.yaml as `ray up` sends it to the head."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in laptop.environment.items():
            patch.setenv(name, value)
        patch.chdir(ROOT)
        yield sdk.bootstrap_config(deepcopy(CONFIG), no_config_cache=True)


@pytest.fixture(scope="module")
def started(laptop: Laptop) -> dict[str, dict[str, Any]]:
    """The machines that `ray up` has started when it first connects to one by SSH, by node type."""
    before = laptop.instances()
    command = ["ray", "up", "--yes", "--no-config-cache", "cluster/gpu.yaml"]
    output = laptop.ssh_log.with_name("ray-up.log")
    with (
        output.open("w") as log,
        subprocess.Popen(command, cwd=ROOT, env=laptop.environment, stdout=log, stderr=subprocess.STDOUT) as ray_up,
    ):
        try:
            wait_until(lambda: laptop.ssh_log.read_text() or ray_up.poll() is not None, "the first SSH")
        finally:
            ray_up.kill()
    assert laptop.ssh_log.read_text(), output.read_text()
    return {node_type: machine for node_type, machine in laptop.instances().items() if node_type not in before}


def test_ray_up_starts_one_small_head_and_connects_to_it(laptop: Laptop, started: dict[str, dict[str, Any]]) -> None:
    assert list(started) == ["head"]
    head = started["head"]
    assert head["InstanceType"] == "m7i.large"
    assert head["IamInstanceProfile"]["Arn"].endswith("/bnsweep-head")
    assert "InstanceLifecycle" not in head
    assert f"ubuntu@{head['PublicIpAddress']}" in laptop.ssh_log.read_text()


def test_only_ssh_is_open_to_the_outside(laptop: Laptop, started: dict[str, dict[str, Any]]) -> None:
    (group,) = [item["GroupId"] for item in started["head"]["SecurityGroups"]]
    rules = laptop.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    within = [rule for rule in rules if rule["UserIdGroupPairs"]]
    outside = [rule for rule in rules if rule["IpRanges"]]
    assert len(within) + len(outside) == len(rules)
    assert {pair["GroupId"] for rule in within for pair in rule["UserIdGroupPairs"]} == {group}
    assert [(rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) for rule in outside] == [(22, 22, "tcp")]


PULL = {"ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}


def test_machines_may_pull_the_image_and_only_the_head_may_do_more(laptop: Laptop) -> None:
    bucket = laptop.client("s3").list_buckets()["Buckets"][0]["Name"]
    (registry,) = laptop.client("ecr").describe_repositories()["repositories"]
    head, worker = (_allowed(laptop, role) for role in ("bnsweep-head", "bnsweep-worker"))
    assert set(worker) == PULL, "a worker neither writes to the bucket nor starts machines"
    for actions in (head, worker):
        assert actions["ecr:BatchGetImage"] == actions["ecr:GetDownloadUrlForLayer"] == registry["repositoryArn"]
    assert f"arn:aws:s3:::{bucket}/*" in head["s3:*"]
    assert {"ec2:RunInstances", "ec2:TerminateInstances", "iam:PassRole", "ssm:GetParameters"} <= set(head)


def test_the_image_that_machines_run_is_in_the_stacks_registry(laptop: Laptop) -> None:
    (registry,) = laptop.client("ecr").describe_repositories()["repositories"]
    account = laptop.client("sts").get_caller_identity()["Account"]
    assert CONFIG["docker"]["image"].replace("ACCOUNT", account) == f"{registry['repositoryUri']}:1"
    login = CONFIG["initialization_commands"][-1].replace(
        "$(aws sts get-caller-identity --query Account --output text)", account
    )
    assert f'"{registry["repositoryUri"].partition("/")[0]}"' in login


def _allowed(laptop: Laptop, role: str) -> dict[str, str]:
    """Return the actions that a role is allowed, each with the resources it is allowed on."""
    iam = laptop.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    statements = [statement for document in documents for statement in document["Statement"]]
    listed = [(item["Action"], str(item["Resource"])) for item in statements]
    return {
        action: resource
        for actions, resource in listed
        for action in ([actions] if isinstance(actions, str) else actions)
    }


@pytest.mark.parametrize(("node_type", "lifecycle"), [("gpu_spot", "spot"), ("gpu_on_demand", None)])
def test_workers_have_a_gpu_and_are_spot_or_on_demand(
    laptop: Laptop, bootstrapped: dict[str, Any], node_type: str, lifecycle: str | None
) -> None:
    assert bootstrapped["available_node_types"][node_type]["resources"].items() >= {"CPU": 4, "GPU": 1}.items()
    (instance,) = launch(bootstrapped, node_type, Availability())
    worker = laptop.instances()[node_type]
    assert worker["InstanceId"] == instance
    assert worker["InstanceType"] == "g6.xlarge"
    assert worker.get("InstanceLifecycle") == lifecycle
    assert worker["IamInstanceProfile"]["Arn"].endswith("/bnsweep-worker")
    assert worker["ImageId"] == CONFIG["available_node_types"]["head"]["node_config"]["ImageId"]
    assert worker["KeyName"] == "ray-autoscaler_us-west-2"


def test_the_head_runs_no_trials(bootstrapped: dict[str, Any]) -> None:
    assert bootstrapped["available_node_types"]["head"]["resources"]["CPU"] == 0


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> str:
    """The scorer that the head's start command names."""
    (start,) = [command for command in CONFIG["head_start_ray_commands"] if "--head" in command]
    settings = dict(word.split("=", 1) for word in start.partition(";")[0].split() if "=" in word)
    assert settings["RAY_enable_autoscaler_v2"] == "0"
    assert CONFIG["file_mounts"][settings["PYTHONPATH"]] == "cluster"
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "cluster")])
    monkeypatch.setenv(SCORER, settings[SCORER])
    return settings[SCORER]


def refused_spot(config: dict[str, Any]) -> Availability:
    """Ask EC2 for a spot machine that it does not have; return what the autoscaler remembers of that."""
    asking = deepcopy(config)
    asking["available_node_types"]["gpu_spot"]["node_config"]["InstanceType"] = "g6.none"
    availability = Availability()
    assert launch(asking, "gpu_spot", availability) == {}
    assert not is_available("gpu_spot", availability)
    return availability


@pytest.mark.usefixtures("scorer")
def test_on_demand_machines_are_started_while_no_spot_machine_is_available(bootstrapped: dict[str, Any]) -> None:
    assert next_node_type(bootstrapped, TRIALS_OF_ONE_GPU, Availability()) == "gpu_spot"
    assert next_node_type(bootstrapped, TRIALS_OF_ONE_GPU, refused_spot(bootstrapped)) == "gpu_on_demand"


def test_rays_own_scorer_still_asks_for_a_spot_machine_that_was_refused(bootstrapped: dict[str, Any]) -> None:
    """When this fails, cluster/spot_first.py is not needed any more."""
    assert next_node_type(bootstrapped, TRIALS_OF_ONE_GPU, refused_spot(bootstrapped)) == "gpu_spot"
