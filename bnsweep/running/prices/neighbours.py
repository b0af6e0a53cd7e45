"""Neighbours: processes that train beside the one that times, since workers of one machine slow each other down."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from multiprocessing import get_context

from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.compiling import Compiler
from bnsweep.training.device import prepare_device
from bnsweep.training.loop import train


@contextmanager
def neighbours(count: int, kinds: Sequence[TrialSpec], context: RunContext, resources: Resources) -> Iterator[None]:
    """Have so many copies of this process train all kinds of trials meanwhile.

    They are forked, so that the data is in memory once: to be called before this process trains or touches a GPU.

    Raises:
        MemoryError: one of them was killed.
    """
    fork = get_context("fork")
    arguments = [(os.getpid(), [*kinds[place:], *kinds[:place]], context, resources) for place in range(count)]
    copies = [fork.Process(target=_train_all, args=each, daemon=True) for each in arguments]
    for copy in copies:
        copy.start()
    try:
        yield
        if any(copy.exitcode for copy in copies):
            raise MemoryError(f"one of {count + 1} processes that train at once was killed")
    finally:
        for copy in copies:
            copy.kill()
            copy.join()


def _train_all(timing: int, kinds: Sequence[TrialSpec], context: RunContext, resources: Resources) -> None:
    """Train the kinds in turn as long as the process that times is there; where one fails, it fails there as well."""
    with suppress(Exception, KeyboardInterrupt):
        device, compiler = prepare_device(resources), Compiler()
        datasets = {key: data.to(device) for key, data in context.datasets.items()}
        for spec in cycle(kinds):
            for _ in train(spec, datasets[dataset_key(spec.dataset)], compiler=compiler):
                if os.getppid() != timing:
                    return
