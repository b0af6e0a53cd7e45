"""Pricing a sweep, in a process of its own: trials that kill it do not kill the command. Loads without torch."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import time
from types import ModuleType

from bnsweep.errors import InputError
from bnsweep.limits import whole_cpus
from bnsweep.results import Store
from bnsweep.running.interruption import signals_blocked
from bnsweep.running.prices.kinds import find_kinds
from bnsweep.running.prices.price import Price
from bnsweep.spec.listed import Trials
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep


def price_sweep(sweep: Sweep, store: Store, missing: Trials) -> Price:
    """Time the missing trials, of which there is at least one, by their kinds; return what all of them take.

    To be asked where not even one worker fits: `why_untimed`.

    Raises:
        InputError: the data cannot be read, a trial not be built or it fails, or all of them diverge.
    """
    spawn = get_context("spawn")
    answer, sender = spawn.Pipe(duplex=False)
    kinds, counts = find_kinds(missing)
    asked = replace(sweep, trials=kinds), store, counts, workers_here(sweep.resources), time()
    process = spawn.Process(target=_answer, args=(sender, *asked))
    with (
        main_hidden(),
        signals_blocked(signal.SIGINT, signal.SIGHUP),
    ):  # they are this process's to handle, which then ends the other
        process.start()
    sender.close()
    try:
        found: Price | InputError = answer.recv()
    except EOFError as error:
        raise InputError(
            "the process that timed trials died, for want of memory perhaps; give smaller sizes, or --no-timing"
        ) from error
    finally:
        process.kill()
        process.join()
    if isinstance(found, InputError):
        raise found
    fullness = missing.fullness()
    return replace(found, work_s=found.work_s / fullness, fullness=fullness)


@contextmanager
def main_hidden() -> Iterator[None]:
    """Processes spawned within the block do not run the user's script again, as they would to find what is pickled."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _answer(sender: Connection, sweep: Sweep, store: Store, counts: list[int], workers: int, asked_at: float) -> None:
    """Send the price, or why there is none; nobody may be there to take it any more."""
    from bnsweep.running.prices.timing import time_sweep  # torch, here alone

    with suppress(BrokenPipeError):
        try:
            sender.send(time_sweep(sweep, store, counts, workers, asked_at))
        except InputError as error:
            sender.send(error)
        except MemoryError:
            return  # as if the process had been killed


def workers_here(resources: Resources) -> int:
    """Return how many workers fit on this machine at once; 0 where not even one does."""
    gpus = 0
    if resources.gpus:
        import torch

        gpus = torch.cuda.device_count()
    return resources.workers_on(whole_cpus(), gpus)


def why_untimed(resources: Resources) -> str | None:
    """Return why this machine cannot time the trials of workers with these resources; None where it can."""
    if workers_here(resources):
        return None
    wanted = f"{resources.cpus:g} CPUs" + (f" and {resources.gpus:g} GPUs" if resources.gpus else "")
    return f"a worker holds {wanted}, more than this machine has"
