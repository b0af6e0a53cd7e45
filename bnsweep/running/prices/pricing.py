"""Pricing a sweep, in a process of its own: trials that kill it do not kill the command. Loads without torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context, parent_process
from threading import Thread
from time import time

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.running.limits import whole_cpus
from bnsweep.running.prices.kinds import count_kinds
from bnsweep.running.prices.price import Price
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep


def price_sweep(sweep: Sweep, store: Store, missing: Iterable[TrialSpec]) -> Price:
    """Time the missing trials, of which there is at least one, by their kinds; return what all of them take.

    To be asked where not even one worker fits: `why_untimed`.

    Raises:
        InputError: the data cannot be read, a trial not be built or it fails, or all of them diverge.
    """
    kinds, light = count_kinds(missing), replace(sweep, trials=())
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=_end_with_parent) as process:
        try:
            return process.submit(_price, light, store, kinds, workers_here(sweep.resources), time()).result()
        except (BrokenProcessPool, MemoryError) as error:
            raise InputError(
                "a process that timed trials died, for want of memory perhaps; "
                "ask for more resources.cpus per worker, so that fewer train at once, or give --no-timing"
            ) from error


def _end_with_parent() -> None:
    """Have this process end when the command does: one that is killed cannot end it, and it would wait for ever."""

    def watch() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _price(sweep: Sweep, store: Store, kinds: list[tuple[TrialSpec, int]], workers: int, asked_at: float) -> Price:
    from bnsweep.running.prices.timing import time_sweep  # torch, here alone

    return time_sweep(sweep, store, kinds, workers, asked_at)


def workers_here(resources: Resources) -> int:
    """Return how many workers fit on this machine at once; 0 where not even one does."""
    fits = whole_cpus() / resources.cpus
    if resources.gpus:
        import torch

        fits = min(fits, torch.cuda.device_count() / resources.gpus)
    return int(fits + 1e-9)


def why_untimed(resources: Resources) -> str | None:
    """Return why this machine cannot time the trials of workers with these resources; None where it can."""
    if workers_here(resources):
        return None
    wanted = f"{resources.cpus:g} CPUs" + (f" and {resources.gpus:g} GPUs" if resources.gpus else "")
    return f"a worker holds {wanted}, more than this machine has"
