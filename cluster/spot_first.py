"""Spot machines first, on-demand ones while there are no spot ones: a scorer for Ray's autoscaler.

gpu.yaml names `score` in RAY_AUTOSCALER_UTILIZATION_SCORER, which the autoscaler v1 reads. Left alone, neither v1 nor
v2 of Ray 2.60 turns to another node type when EC2 refuses one: v1's own scorer does not look at what was refused, and
v2 counts a node type as unavailable after a time-out only, not after a refusal.
"""

from __future__ import annotations

from typing import Any

from ray.autoscaler._private.node_provider_availability_tracker import NodeAvailabilitySummary
from ray.autoscaler._private.resource_demand_scheduler import _resource_based_utilization_scorer


def score(
    node_resources: dict[str, Any],
    resources: list[dict[str, Any]],
    node_type: str,
    *,
    node_availability_summary: NodeAvailabilitySummary,
) -> tuple[Any, ...] | None:
    """Return Ray's own score, behind whether EC2 had such a machine when last asked; None where nothing fits.

    The highest is launched; of equal ones the last by name, so that `gpu_spot` comes before `gpu_on_demand`.
    """
    fitness = _resource_based_utilization_scorer(
        node_resources, resources, node_availability_summary=node_availability_summary
    )
    if fitness is None:
        return None
    last_asked = node_availability_summary.node_availabilities.get(node_type)
    return (last_asked is None or last_asked.is_available, *fitness)
