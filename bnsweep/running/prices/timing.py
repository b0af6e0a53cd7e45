"""Timing on this machine: as many processes as there would be workers, so that they share what workers share."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from threading import Barrier
from time import perf_counter

import joblib
import torch

from bnsweep.errors import InputError
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.prices.calibrate import calibrate
from bnsweep.running.prices.costs import Costs, mean_costs
from bnsweep.running.prices.load import Kind
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device

MAX_TOTAL_S, MAX_EACH_S = 20.0, 2.0
"""Seconds for all kinds together, and for one, without those that compiling takes."""
READY_WITHIN_S = 300.0
NICENESS, RAYS = "RAY_worker_niceness", 15
"""How much nicer Ray makes its workers than itself, which counts where other things run on the machine."""


@dataclass(frozen=True)
class Timing:
    """What was timed.

    Args:
        costs: of each kind that was reached within the time there is.
        at_once: how many processes were at it.
        ready_s: what a process took to start and to load what trials need.
    """

    costs: Mapping[Kind, Costs]
    at_once: int
    ready_s: float


def workers_here(resources: Resources) -> int:
    """Return how many workers fit on this machine at once; 0 where not even one does."""
    fits = joblib.cpu_count() / resources.cpus
    if resources.gpus:
        fits = min(fits, torch.cuda.device_count() / resources.gpus)
    return int(fits + 1e-9)


def time_kinds(kinds: Mapping[Kind, TrialSpec], context: RunContext, resources: Resources, workers: int) -> Timing:
    """Time a trial of each kind, in an order that prefers none, until the time is up.

    Args:
        kinds: a trial of each kind.
        context: with the data.
        resources: of a worker.
        workers: how many there would be on this machine. Those that share a GPU are timed together, other GPUs left.

    Raises:
        InputError: a trial fails.
    """
    at_once = min(workers, max(1, int(1 / resources.gpus))) if resources.gpus else workers
    shuffled = random.Random(0).sample(list(kinds.items()), len(kinds))
    started, spawning = perf_counter(), get_context("spawn")
    barrier = spawning.Barrier(at_once)
    with tempfile.NamedTemporaryFile(prefix="bnsweep-plan-") as file:
        torch.save(context.datasets, file.name)  # one copy for all processes, which map it
        light = replace(context, datasets={})
        with ProcessPoolExecutor(at_once, spawning, _wait_for_all, (barrier,)) as pool:
            tasks = [pool.submit(_time, shuffled, light, file.name, resources) for _ in range(at_once)]
            try:
                found = [task.result() for task in tasks]
            except BrokenProcessPool as error:
                raise InputError(
                    f"a process that timed trials died, for want of memory perhaps; with {at_once} at once, "
                    "ask for more resources.cpus per worker, or give --no-timing"
                ) from error
    spent_s = max(seconds for _, seconds in found)
    by_kind: dict[Kind, list[Costs]] = {}
    for costs, _ in found:
        for kind, cost in costs.items():
            by_kind.setdefault(kind, []).append(cost)
    merged = {kind: mean_costs(costs) for kind, costs in by_kind.items()}
    return Timing(merged, at_once, perf_counter() - started - spent_s)


def _wait_for_all(barrier: Barrier) -> None:
    os.nice(int(os.environ.get(NICENESS, RAYS)))
    barrier.wait(READY_WITHIN_S)


def _time(
    kinds: list[tuple[Kind, TrialSpec]], context: RunContext, path: str, resources: Resources
) -> tuple[dict[Kind, Costs], float]:
    """Time the kinds in turn, in a process of its own; return what they cost and the seconds that it took."""
    device = prepare_device(resources)
    datasets = torch.load(path, mmap=True, weights_only=False)
    context = replace(context, datasets={key: data.to(device) for key, data in datasets.items()})
    costs: dict[Kind, Costs] = {}
    _try(kinds[0][1], context, 0.0)  # what a process does only once is no part of a trial
    started = perf_counter()
    for place, (kind, spec) in enumerate(kinds):
        left_s = MAX_TOTAL_S - (perf_counter() - started) + sum(cost.compile_s for cost in costs.values())
        if place and left_s <= 0:
            break
        if cost := _try(spec, context, min(MAX_EACH_S, left_s / (len(kinds) - place))):
            costs[kind] = cost
    return costs, perf_counter() - started


def _try(spec: TrialSpec, context: RunContext, budget_s: float) -> Costs | None:
    try:
        return calibrate(spec, context.datasets[dataset_key(spec.dataset)], context, budget_s)
    except Exception as error:
        message = f"a trial of norm {spec.norm} fails: {type(error).__name__}: {error}; --no-timing leaves timing out"
        raise InputError(message) from error
