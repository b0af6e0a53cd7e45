"""Whether data fit into the memory that this process may use, asked before it is filled."""

from __future__ import annotations

from bnsweep.errors import InputError
from bnsweep.limits import memory_bytes

GIB = 2**30


def require_memory(num_bytes: float, what: str) -> None:
    """Check the size of what is to be held.

    Raises:
        InputError: the machine, or the cgroup of this process, has less memory; `what` is to be held.
    """
    allowed = memory_bytes()
    if num_bytes > allowed:
        raise InputError(
            f"dataset: {what} take {num_bytes / GIB:.3g} GiB in memory, and this process may use {allowed / GIB:.3g} "
            "GiB; give fewer or smaller ones, or run where there is more"
        )
