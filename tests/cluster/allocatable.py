"""What Kubernetes leaves to pods of a cloud's machines: the machine less what is reserved, and less what runs anyway.

Sources: GKE, https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes; EKS, `kubeReserved` as its node
images (nodeadm) and eksctl set it, https://github.com/weaveworks/eksctl, pkg/nodebootstrap/reserved.go.
"""

from __future__ import annotations

from typing import NamedTuple

MIB = 1 / 1024
"""In GiB."""
KERNEL_SHARE = 0.04
"""Of the memory that a machine is sold with, what its firmware and kernel keep."""
EVICTION_GIB = 100 * MIB
OTHER_PODS = {"EKS": (0.25, 0.4), "GKE": (0.45, 0.7)}
"""CPUs and GiB that a cloud's own DaemonSets ask for on each node: network, disks, logs, GPUs; rounded up."""
AUTOSCALER_POD = (0.5, 0.5)
"""CPUs and GiB that KubeRay asks for beside the head: BuildAutoscalerContainer in its pod.go."""


class Machine(NamedTuple):
    """A machine as it is sold, and how many pods EKS allows on it."""

    cpus: int
    memory_gib: float
    eks_pods: int = 0


MACHINES = {
    "EKS m7i.large": Machine(2, 8, 29),
    "EKS g6.xlarge": Machine(4, 16, 58),
    "EKS g5.xlarge": Machine(4, 16, 58),
    "GKE e2-standard-4": Machine(4, 16),
    "GKE g2-standard-4": Machine(4, 16),
}


def allocatable(name: str) -> tuple[float, float]:
    """Return how many CPUs and GiB are left to pods of a node."""
    machine = MACHINES[name]
    capacity = machine.memory_gib * (1 - KERNEL_SHARE)
    gke = _progressive(capacity, ((4, 0.25), (8, 0.2), (16, 0.1), (128, 0.06), (float("inf"), 0.02)))
    reserved = gke if name.startswith("GKE") else (255 + 11 * machine.eks_pods) * MIB
    cpus = _progressive(machine.cpus, ((1, 0.06), (2, 0.01), (4, 0.005), (float("inf"), 0.0025)))
    return machine.cpus - cpus, capacity - reserved - EVICTION_GIB


def left_for_us(name: str) -> tuple[float, float]:
    """Return how many CPUs and GiB one may ask for on a node, beside what runs there anyway."""
    (cpus, memory_gib), (other_cpus, other_gib) = allocatable(name), OTHER_PODS[name[:3]]
    return cpus - other_cpus, memory_gib - other_gib


def _progressive(amount: float, brackets: tuple[tuple[float, float], ...]) -> float:
    """Return the sum of each bracket's share of what is in it, as with a tax."""
    total, below = 0.0, 0.0
    for upper, share in brackets:
        total += max(0.0, min(amount, upper) - below) * share
        below = upper
    return total
