"""What a sweep takes on a cluster: some of its trials are timed on one of the cluster's own machines.

What was timed is kept on the head for each kind of machine: asked again, no machine is needed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any

import ray

from bnsweep.data import Dataset
from bnsweep.errors import InputError
from bnsweep.executors.ray_tune_cluster import count_workers, machine_types, nodes_to_come
from bnsweep.executors.ray_tune_data import share_datasets
from bnsweep.executors.ray_tune_waiting import Waiting
from bnsweep.results import Store
from bnsweep.running.plan import Plan
from bnsweep.running.prepare import prepare
from bnsweep.running.prices.costs import Costs
from bnsweep.running.prices.kinds import find_kinds
from bnsweep.running.prices.price import Price
from bnsweep.running.prices.timing import Timing, timed
from bnsweep.running.provenance import git_sha, versions
from bnsweep.spec.listed import Trials
from bnsweep.spec.sweep import Sweep
from bnsweep.training.device import prepare_device

KEPT = "~/bnsweep/calibrations"
"""On the head: a file for each kind of machine and the trials that were timed there."""
LOOK_EVERY_S = 1.0
Timed = tuple[dict[int, Costs], float]
"""Costs by the place of their kind, and the seconds that a worker takes to start."""


def price_on_cluster(sweep: Sweep, store: Store, missing: Trials, say: Callable[[str], None] = lambda _: None) -> Price:
    """Return what the missing trials take on the cluster that Ray has joined, once it has all its machines.

    `say` hears what is waited for, where no machine is free for long.

    Raises:
        InputError: no worker fits on any of its machines, the data cannot be read, or a trial fails.
    """
    here: list[Any] = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    to_come = nodes_to_come()
    workers = count_workers(sweep.resources, here, to_come, "no node of the cluster has more than")
    kinds, counts = find_kinds(missing)
    one_each, timing = dataclasses.replace(sweep, trials=kinds), Timing(counts, workers, sweep.resources.gpus)
    path = _path(one_each, here)
    found = _kept(path)
    if found is None:
        datasets = prepare(one_each, store, Plan(kinds, 0, ())).datasets
        found = _timed_there(one_each, datasets, timing, say)
        _keep(path, found)
    costs, ready_s = found
    machines = len(to_come) or sum(node.get("CPU", 0) > 0 for node in here)
    return dataclasses.replace(timing.price(one_each, costs, ready_s), machines=machines)


def _timed_there(sweep: Sweep, datasets: Mapping[str, Dataset], timing: Timing, say: Callable[[str], None]) -> Timed:
    share_datasets()
    kind: Any = ray.remote(_calibrate)
    options = {"num_cpus": sweep.resources.cpus, "num_gpus": sweep.resources.gpus, "max_retries": 0}
    asked: Any = kind.options(**options).remote(sweep, datasets, timing)
    waiting = Waiting(sweep.resources, say, "nothing is timed yet")
    while not ray.wait([asked], timeout=LOOK_EVERY_S)[0]:
        waiting.look(is_working=False)
    found: Timed | InputError = ray.get(asked)
    if isinstance(found, InputError):
        raise found
    return found


def _calibrate(sweep: Sweep, datasets: Mapping[str, Dataset], timing: Timing) -> Timed | InputError:
    try:
        return timed(sweep, datasets, prepare_device(sweep.resources), timing, time())
    except InputError as error:
        return error


def _path(sweep: Sweep, here: Sequence[Mapping[str, float]]) -> str:
    """Return where costs are kept of these kinds of trials, on the machines that the cluster has."""
    machines = machine_types() or [sorted(node.items()) for node in here]
    trials = [f"{key:016x}" for key in sweep.trials.keys.tolist()]
    asked = [machines, trials, sweep.resources.model_dump(), git_sha(), versions()]
    name = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return os.path.join(os.path.expanduser(KEPT), f"{name}.json")


def _kept(path: str) -> Timed | None:
    try:
        with open(path, encoding="utf-8") as file:
            costs, ready_s = json.load(file)
        return {int(place): Costs(**cost) for place, cost in costs.items()}, float(ready_s)
    except (OSError, ValueError, TypeError, AttributeError):  # not there, or not whole: it is timed anew
        return None


def _keep(path: str, found: Timed) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    costs, ready_s = found
    content = json.dumps([{place: cost._asdict() for place, cost in costs.items()}, ready_s])
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(file.name, path)
