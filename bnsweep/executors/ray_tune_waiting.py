"""Saying what a run waits for while no worker is up: which machines there are, and what of theirs is too little."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import ray

from bnsweep.executors.ray_tune_cluster import Node
from bnsweep.spec.resources import Resources

FIRST_AFTER_S = 60.0
"""Of a run without a worker; then after twice, four times ... as long, for machines that take their time."""
STUCK = (
    "where that lasts, Ray is stuck, for other jobs too; `ray up -y FILE` starts it anew, then submit each sweep again"
)


class Waiting:
    """Says what is waited for, where no worker is up for long, and why workers do not start, each reason once."""

    def __init__(
        self,
        resources: Resources,
        say: Callable[[str], None],
        what: str = "no worker is up",
        first_after_s: float = FIRST_AFTER_S,
    ) -> None:
        self._resources, self._say, self._what, self._first_after_s = resources, say, what, first_after_s
        self._since, self._next_s = monotonic(), first_after_s
        self._reasons = set[str]()

    def look(self, is_working: bool) -> None:
        """Take note of whether a worker is up; say what is waited for where it is time for that."""
        if is_working:
            self._since, self._next_s = monotonic(), self._first_after_s
        elif monotonic() - self._since > self._next_s:
            self._next_s *= 2
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]  # ray's
            free = ray.available_resources()  # type: ignore[no-untyped-call]  # ray's
            self._say(f"{self._what}: {waited_for(self._resources, nodes, free)}")

    def failed(self, reason: str) -> None:
        """Take note of a worker that did not start; where others work, nobody would hear of it."""
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._say(f"a worker does not start: {reason}")


def waited_for(resources: Resources, nodes: list[Node], free: Node) -> str:
    """Return what a worker needs and the nodes have, in words, given what of all of them is free.

    >>> waited_for(Resources(cpus=1, gpus=1), [{}, {"CPU": 4.0}], {"CPU": 4.0}).partition(". ")[0]
    "one needs 1 CPUs and 1 GPUs; of the cluster's 2 nodes none has that (at most 4 CPUs and 0 GPUs)"
    """
    need = {"CPU": resources.cpus, "GPU": resources.gpus}
    needed = " and ".join(f"{amount:g} {unit}s" for unit, amount in need.items() if amount)

    def has_enough(node: Node) -> bool:
        return all(node.get(unit, 0) >= amount for unit, amount in need.items())

    if not any(map(has_enough, nodes)):
        most = " and ".join(f"{max(node.get(unit, 0) for node in nodes):g} {unit}s" for unit in need)
        state = f"of the cluster's {len(nodes)} nodes none has that (at most {most}). More may come"
    elif has_enough(free):  # a machine that is cut off as Ray reserves it leaves all that wait waiting (Ray 2.60)
        return f"one needs {needed}; that is free, but Ray does not start it: {STUCK}"
    else:
        state = "a node has that: it starts there, or waits for others to end"
    return f"one needs {needed}; {state}: `ray status` on the head shows what its autoscaler does"
