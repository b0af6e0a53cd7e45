"""Timing the kinds of trials of a sweep on this machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter, time
from typing import TYPE_CHECKING

from bnsweep.error_texts import with_place
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.plan import Plan
from bnsweep.running.prepare import prepare
from bnsweep.running.prices.calibrate import calibrate
from bnsweep.running.prices.companies import time_fusing
from bnsweep.running.prices.costs import COMPILING, GPU, PEAK, Costs, mean_costs, total, work_of
from bnsweep.running.prices.kinds import tame
from bnsweep.running.prices.price import Price
from bnsweep.running.provenance import git_sha
from bnsweep.spec import TrialSpec
from bnsweep.spec.sweep import Sweep
from bnsweep.training.device import prepare_device
from bnsweep.training.memory import least_share
from bnsweep.training.optimizers import load_optimizers

if TYPE_CHECKING:
    import torch

    from bnsweep.data import Dataset

RAY_START_S = 2.5
"""What Ray takes to start and to end on an idle machine, its workers' imports apart."""
MAX_FUSING_S = 5.0
"""For how long to time trials as one, beside."""
MAX_TOTAL_S, MAX_EACH_S, MAX_SHARE = 18.0, 2.0, 0.15
"""For how long to time: seconds from the start of this process on, seconds for one kind, share of the sweep's time."""


def time_sweep(sweep: Sweep, store: Store, counts: Sequence[int], workers: int, asked_at: float) -> Price:
    """Return the price of so many trials of each kind, where so many workers fit on this machine.

    `sweep` has one trial of each kind. `asked_at` is by `time.time`: until it can train a worker takes as long as this
    process.
    """
    device = prepare_device(sweep.resources)
    timing = Timing(counts, workers, sweep.resources.gpus)
    datasets = prepare(sweep, store, Plan(sweep.trials, 0, ())).datasets
    price = timing.price(sweep, *timed(sweep, datasets, device, timing, asked_at))
    place = max(range(len(counts)), key=counts.__getitem__)
    spec = sweep.trials[place]
    data = datasets[dataset_key(spec.dataset)].to(device)
    fusing = time_fusing(spec, data, counts[place], min(MAX_FUSING_S, MAX_SHARE * price.wall_s(workers)))
    return replace(price, fusing=None if fusing is None else str(fusing))


@dataclass(frozen=True)
class Timing:
    """What is to be priced: how many trials there are of each kind, on how many workers with so many GPUs each."""

    counts: Sequence[int]
    workers: int
    gpus: float

    def price(self, sweep: Sweep, costs: Mapping[int, Costs], ready_s: float) -> Price:
        """Return the price, given what trials of some of the kinds cost, and what a worker takes to start."""
        works = [(count, work_of(tame(spec))) for spec, count in zip(sweep.trials, self.counts, strict=True)]
        return price_of(works, costs, workers=self.workers, gpus=self.gpus, start_s=RAY_START_S + ready_s)


def timed(
    sweep: Sweep, datasets: Mapping[str, Dataset], device: torch.device, timing: Timing, asked_at: float
) -> tuple[dict[int, Costs], float]:
    """Time trials on a device; return their costs by the place of their kind, and what it took to be ready.

    Trials are timed one at a time. Workers that train beside each other took no more than 6 % more processor time
    where this was measured (two cores); where they wait for a memory or a GPU that they share, they take longer.
    """
    specs = [tame(spec) for spec in sweep.trials]
    on_device = {key: data.to(device) for key, data in datasets.items()}
    load_optimizers()  # as a worker does
    ready_s = time() - asked_at

    def allowed_s(costs: Mapping[int, Costs]) -> float:
        sweep_s = timing.price(sweep, costs, ready_s).wall_s(timing.workers) if costs else ready_s
        return min(MAX_TOTAL_S - ready_s, MAX_SHARE * sweep_s)

    return time_kinds(specs, RunContext(sweep.name, specs, git_sha(), on_device), allowed_s), ready_s


def price_of(
    works: Sequence[tuple[int, Mapping[str, int]]],
    costs: Mapping[int, Costs],
    *,
    workers: int,
    gpus: float,
    start_s: float,
) -> Price:
    """Return the price of trials, given how many there are of each kind and the work of one.

    `costs` are those of the kinds that were timed, by their place; the others are taken to cost the mean of these.
    """
    typical = mean_costs(list(costs.values()))
    each = [(*work, costs.get(place, typical)) for place, work in enumerate(works)]
    memory = [cost.memory_bytes for cost in costs.values()]
    trial_s = [total(work, cost.seconds) for _, work, cost in each]
    return Price(
        num_trials=sum(count for count, _ in works),
        work_s=sum(count * seconds for (count, _), seconds in zip(works, trial_s, strict=True)),
        longest_s=max(trial_s),
        start_s=start_s + sum(cost.seconds[COMPILING] for _, _, cost in each),
        row_bytes=sum(count * total(work, cost.row_bytes) for count, work, cost in each),
        num_tables=len(typical.file_bytes),
        file_bytes=sum(typical.file_bytes.values()),
        gpus=gpus,
        workers_here=workers,
        peak_bytes=max((one[PEAK] for one in memory if PEAK in one), default=None),
        least_gpus=max((least_share(one[PEAK], one[GPU]) for one in memory if {PEAK, GPU} <= one.keys()), default=None),
        basis=f"{len(costs)} of {len(works)} kinds of trials timed, one at a time",
    )


def time_kinds(
    kinds: Sequence[TrialSpec], context: RunContext, allowed_s: Callable[[Mapping[int, Costs]], float]
) -> dict[int, Costs]:
    """Return what trials of each kind cost, by its place, in an order that prefers none until the time is up.

    `allowed_s` says for how long to time, by the costs so far; one kind is timed in any case. Kinds that diverge are
    left out.

    Raises:
        InputError: a trial fails, or all of them diverge.
    """
    costs, started = dict[int, Costs](), perf_counter()
    for num_before, place in enumerate(random.Random(0).sample(range(len(kinds)), len(kinds))):
        left_s = allowed_s(costs) - (perf_counter() - started)
        if costs and left_s <= 0:
            break
        try:
            cost = calibrate(kinds[place], context, min(MAX_EACH_S, left_s / (len(kinds) - num_before)))
        except Exception as error:
            what = f"a trial of norm {kinds[place].norm} fails: {with_place(error)}"
            raise InputError(f"{what}; --no-timing leaves timing out") from error
        if cost:
            costs[place] = cost
    if not costs:
        raise InputError("every kind of trial diverges in its first steps; --no-timing leaves timing out")
    return costs
