"""What `torch.compile` leaves as it is. Loads PyTorch's compiler, which takes a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")


@torch.compiler.disable  # type: ignore[untyped-decorator]  # torch's own
def uncompiled(function: Callable[[Tensor], Result], a: Tensor) -> Result:
    """Return `function(a)`, called outside of what is compiled."""
    return function(a)
