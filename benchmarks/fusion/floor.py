"""How quick a step could be: its operations at the device's measured rate, its bytes at its measured bandwidth."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bnsweep.data import Dataset
from bnsweep.spec import TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.step import Trial

TRIES = 5
SIDES = {"cpu": 1024, "cuda": 8192}
"""Rows and columns of the matrices that the rate is measured with."""
COPIED_BYTES = 2**28
OF_PARAMETERS = 5
"""How often a parameter's bytes are moved: read by forward and backward, the gradient written and read, written."""


class Rates(NamedTuple):
    """What a device does in a second: operations of products of matrices, and bytes read and written."""

    operations: float
    num_bytes: float


class Work(NamedTuple):
    """What a step takes: operations of its products and convolutions, and the bytes that it must read and write."""

    operations: int
    num_bytes: int

    def floor_ms(self, rates: Rates) -> float:
        """Return the time that it takes at least, at these rates."""
        return 1000 * max(self.operations / rates.operations, self.num_bytes / rates.num_bytes)


def rates_of(device: torch.device) -> Rates:
    """Measure a device, in float32, on a CPU one thread."""
    side = SIDES[device.type]
    a, b = torch.randn(side, side, device=device), torch.empty(COPIED_BYTES // 4, device=device)
    into, c = torch.empty_like(b), torch.empty_like(a)
    product_s = _least_s(lambda: torch.mm(a, a, out=c), device)
    return Rates(2 * side**3 / product_s, 2 * COPIED_BYTES / _least_s(lambda: into.copy_(b), device))


def work_of(spec: TrialSpec, data: Dataset) -> Work:
    """Count the work of a step of a trial alone."""
    trial = Trial(spec, data, Compiler())
    batch = slice(spec.train.batch_size)
    x, y = data.standardize(data.train_x[batch]), data.train_y[batch]
    parameters = {parameter.untyped_storage().data_ptr() for parameter in trial.model.parameters()}
    kept = dict[int, int]()

    def keep(saved: Tensor) -> Tensor:
        storage = saved.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return saved

    with FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
            outputs = trial.forward(0, x, y)
        trial.update(outputs, with_grad_norm=False)
    of_parameters = sum(parameter.nbytes for parameter in trial.model.parameters())
    return Work(counter.get_total_flops(), OF_PARAMETERS * of_parameters + 2 * sum(kept.values()))


def _least_s(call: Callable[[], object], device: torch.device) -> float:
    """Return the shortest of a few times, after one that is not counted; on a CPU of the processor."""
    times, clock = list[float](), process_time if device.type == "cpu" else perf_counter
    for _ in range(TRIES + 1):
        started = clock()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(clock() - started)
    return min(times[1:])
