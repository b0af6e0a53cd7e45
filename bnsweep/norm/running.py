"""Running statistics: which modules keep them, and how they are averaged anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from bnsweep.norm.lp import LpBatchNorm

RunningNorm = _NormBase | LpBatchNorm
"""PyTorch's batch and instance normalization, those of `batch` and within `noisy_batch` too, and ours by lp norms."""


def running_norms(model: nn.Module) -> list[RunningNorm]:
    """Return the modules whose running statistics move while `model`, which is in train mode, trains.

    One that stays in eval mode then has constants in their place, and is left out. So is what bnsweep cannot know: a
    user's own class that keeps statistics and is none of PyTorch's.
    """
    norms = [module for module in model.modules() if isinstance(module, RunningNorm)]
    return [norm for norm in norms if norm.training and norm.running_mean is not None]


@contextmanager
def averaging(norms: Iterable[RunningNorm]) -> Iterator[None]:
    """Let the running statistics of `norms` be plain means over the training forwards within the block.

    What they were before has no part in them, finite or not; those of a norm that is not called stay. What is averaged
    is what the norm's own running estimate averages: the unbiased variance for PyTorch's, the biased one for `l2`. The
    norm's momentum is put back; its statistics are not.
    """
    with ExitStack() as undo:
        for norm in norms:
            undo.callback(setattr, norm, "momentum", norm.momentum)
            undo.callback(norm.register_forward_pre_hook(partial(_weigh, count(1))).remove)
        yield


def _weigh(forwards: Iterator[int], norm: RunningNorm, *inputs: Any) -> None:
    """Give the forward that begins its weight in the mean of all so far."""
    del inputs
    forward = next(forwards)
    if forward == 1:
        for name, statistic in norm.named_buffers(recurse=False):
            if name.startswith("running_"):
                statistic.zero_()  # what is not finite would stay, even with the weight 0
    norm.momentum = 1 / forward
