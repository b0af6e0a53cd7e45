"""The modules of a model in the order of its forward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import nn

CALLS = "_bnsweep_calls"
"""Attribute of a user's model: the number of each module's first call, by the module's path."""


@contextmanager
def recorded_calls(model: nn.Module) -> Iterator[dict[str, int]]:
    """Collect which modules are called within the block, by path, and the number of the first call of each."""
    calls: dict[str, int] = {}
    with ExitStack() as hooks:
        for path, module in model.named_modules():
            hooks.callback(module.register_forward_pre_hook(partial(_record, calls, path)).remove)
        yield calls


def _record(calls: dict[str, int], path: str, *call: Any) -> None:
    del call
    calls.setdefault(path, len(calls))


def in_order(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return every module with its path, in the order in which the forward calls them first.

    A module that is not called itself (its weight may be handed to a function) follows all that the module that holds
    it calls. A model without a record of its calls (ours) has its modules registered in the order of the forward.
    """
    calls: dict[str, int] = model.__dict__.get(CALLS, {})

    def position(entry: tuple[str, nn.Module]) -> tuple[int, bool]:
        path = holder = entry[0]
        while holder and holder not in calls:
            holder = holder.rpartition(".")[0]
        if holder == path:
            return calls.get(path, 0), False
        prefix = holder and f"{holder}."
        return max((call for inside, call in calls.items() if inside.startswith(prefix)), default=calls[holder]), True

    return sorted(model.named_modules(), key=position) if calls else list(model.named_modules())
