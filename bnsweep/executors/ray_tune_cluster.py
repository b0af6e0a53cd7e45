"""The Ray cluster that a run is on: whether it answers, and what nodes it has or may get."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ray
from ruamel.yaml import YAML

from bnsweep.errors import InputError, StartError
from bnsweep.spec.resources import Resources

REACHABLE_WITHIN_S = 10.0
BOOTSTRAP = "~/ray_bootstrap_config.yaml"
"""What `ray up` leaves on the head for its autoscaler; a driver there reads it, as Ray's own usage report does."""
KUBERAY = "RAY_USAGE_STATS_KUBERAY_IN_USE"
KUBERAY_CLUSTER = ("RAY_CLUSTER_NAMESPACE", "RAY_CLUSTER_NAME")
"""By these KubeRay tells a pod which cluster it is of."""
KUBERAY_NODES = 16
"""Nodes that packs are cut for on Kubernetes, where this pod may not ask how many there may be."""
HINTS = {"cpus": "ask for fewer", "gpus": "set gpus: 0 for the CPU"}

Node = Mapping[str, float]
"""What a node holds, by Ray's names; empty where that is not known before it has come."""


def join_ray(address: str) -> None:
    """Join the cluster at `auto` or host:port.

    Raises:
        InputError: no cluster answers there.
    """
    if address != "auto":
        _check_reachable(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        raise InputError(f"--address {address}: no Ray cluster is running here; give host:port") from error
    except Exception as error:  # Ray has no type for what fails as it connects
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise StartError(f"--address {address}: the Ray cluster there cannot be joined ({reason[0]})") from error


def _check_reachable(address: str) -> None:
    """Raise `InputError` where nothing listens at host:port; Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise InputError(f"--address: given '{address}'; it should be auto, or host:port of the cluster's head")
    try:
        socket.create_connection((host, int(port)), timeout=REACHABLE_WITHIN_S).close()
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"--address {address}: no Ray cluster answers there ({error}); give auto or host:port"
        ) from error


def nodes_to_come() -> list[Node]:
    """Return the nodes that the cluster's autoscaler may bring; none where it has none, or none is known here."""
    config = _configuration()
    if config is None:
        return [{}] * KUBERAY_NODES if KUBERAY in os.environ else []
    most, types = config.get("max_workers", 0), config["available_node_types"]
    nodes = [
        declared.get("resources") or {}
        for name, declared in types.items()
        if name != config.get("head_node_type") or len(types) == 1  # of provider local all are of one type
        for _ in range(min(most, declared.get("max_workers", most)))
    ]
    return nodes[:most]


@cache
def _on_kubernetes(namespace: str, name: str) -> dict[str, Any] | None:
    """Return what KubeRay's autoscaler makes of this pod's cluster, which a head with one may read; None if not."""
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
    from ray.autoscaler._private.kuberay.node_provider import KubernetesHttpApiClient

    try:
        cluster = KubernetesHttpApiClient(namespace).get(f"rayclusters/{name}")
    except OSError:  # no token here, nothing answers, or the answer is no
        return None
    return dict(_derive_autoscaling_config_from_ray_cr(cluster))


def machine_types() -> list[object]:
    """Return what is known of the machines that the autoscaler may bring; nothing where it has none."""
    config = _configuration() or {}
    types = config.get("available_node_types", {})
    workers = [declared for name, declared in types.items() if name != config.get("head_node_type")]
    return [(declared.get("node_config"), declared.get("resources")) for declared in workers]


def _configuration() -> dict[str, Any] | None:
    """Return what the cluster's autoscaler goes by; None where it has none, or it cannot be read here."""
    path = Path(BOOTSTRAP).expanduser()
    if path.exists():
        return dict(YAML(typ="safe").load(path))
    if KUBERAY in os.environ:
        return _on_kubernetes(*(os.environ.get(name, "") for name in KUBERAY_CLUSTER))
    return None


def count_workers(resources: Resources, here: Sequence[Node], to_come: Sequence[Node], where: str) -> int:
    """Return how many workers fit at once on the nodes here, or on those that may come if these hold more.

    Raises:
        InputError: not even one fits, on any of them.
    """
    known, all_came = [*here, *(node for node in to_come if node)], len(here) > len(to_come)
    wanted = {"CPU": ("cpus", resources.cpus), "GPU": ("gpus", resources.gpus)}
    for unit, (key, need) in wanted.items():
        most = max(node.get(unit, 0) for node in known)
        if need > most and (all_came or all(to_come)):
            raise InputError(f"resources.{key}: {need:g} asked for, {where} {most:g}; {HINTS[key]}")

    def fitting(node: Node) -> int:
        return resources.workers_on(node.get("CPU", 0), node.get("GPU", 0))

    return max(sum(map(fitting, here)), sum(fitting(node) if node else 1 for node in to_come))
