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


class Copies(TorchDispatchMode):
    """Counts, within the block, the tensors that are copied from the CPU to another device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        found = func(*args, **(kwargs or {}))
        is_copy = func.name() in ("aten::_to_copy", "aten::copy_")
        self.count += is_copy and found.device.type != "cpu" and any(arg.device.type == "cpu" for arg in args[-1:])
        return found
