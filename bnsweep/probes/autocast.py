"""Which precision a forward runs in: that of the training step, wherever the step is looked at again."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def forward_in(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Have forwards within the block run as `train.precision` says; with bf16 by autocast, backwards come after it.

    Source: PyTorch, "Automatic mixed precision package": matrix products and convolutions in bfloat16, parameters and
    what loses by it in float32.
    """
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
