"""How often the CPU asks a tensor for its number: on a GPU it then waits for all that is queued there."""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class Reads(TorchDispatchMode):
    """Counts, within the block, what is read by `item`, `float` or `bool`; `tolist` of all is not counted."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        self.count += func.name() == "aten::_local_scalar_dense"
        return func(*args, **(kwargs or {}))
