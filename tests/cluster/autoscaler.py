"""Ray's autoscaler as it runs on a cluster's head: what it makes of a cluster file.

Ray has no public way to ask it without starting machines, so this file alone imports it from where it is private; a
release that moves it breaks this import, and with it the tests of the cluster files.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
from ray.autoscaler._private.event_summarizer import EventSummarizer
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.autoscaler._private.node_launcher import BaseNodeLauncher
from ray.autoscaler._private.node_provider_availability_tracker import NodeProviderAvailabilityTracker
from ray.autoscaler._private.resource_demand_scheduler import ResourceDemandScheduler, get_nodes_for
from ray.autoscaler._private.util import ConcurrentCounter, prepare_config, validate_config

Config = dict[str, Any]
Availability = NodeProviderAvailabilityTracker
"""Which node types the cloud had when last asked."""


def validated(config: Config) -> Config:
    """Return a cluster file with Ray's defaults filled in.

    Raises:
        jsonschema.ValidationError: Ray does not accept it.
    """
    prepared = dict(prepare_config(config))
    validate_config(prepared)
    return prepared


def on_kubernetes(cluster: Config) -> Config:
    """Return what the autoscaler reads from the RayCluster of a RayJob."""
    return dict(_derive_autoscaling_config_from_ray_cr({"metadata": {"name": "c", "namespace": "n"}, "spec": cluster}))


def launch(config: Config, node_type: str, availability: Availability) -> dict[str, Any]:
    """Launch a worker; return the machine by its id, nothing where the cloud refused it."""
    provider = AWSNodeProvider(config["provider"], config["cluster_name"])
    pending = ConcurrentCounter()
    pending.inc(node_type, 1)
    launcher = BaseNodeLauncher(provider, pending, EventSummarizer(), availability)
    return dict(launcher.launch_node(config, 1, node_type) or {})


def is_available(node_type: str, availability: Availability) -> bool:
    """Return whether the cloud had such a machine when last asked."""
    return bool(availability.summary().node_availabilities[node_type].is_available)


def next_node_type(config: Config, demands: list[dict[str, float]], availability: Availability) -> str:
    """Return the node type that is launched next for these demands, which one machine meets.

    It is chosen by the scorer that RAY_AUTOSCALER_UTILIZATION_SCORER names.
    """
    types = config["available_node_types"]
    provider = AWSNodeProvider(config["provider"], config["cluster_name"])
    scheduler = ResourceDemandScheduler(provider, types, config["max_workers"], "head", upscaling_speed=1.0)
    scorer = partial(scheduler.utilization_scorer, node_availability_summary=availability.summary())
    (found,), unmet = get_nodes_for(types, {}, "head", 1, demands, scorer)
    assert unmet == []
    return str(found)
