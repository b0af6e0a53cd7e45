"""A model together with the order in which its forward calls its modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Network:
    """A model and the order of its forward, by which the tables number layers and sites.

    Args:
        model: the model.
        first_calls: the number of each module's first call, by the module's path; empty for a model whose modules are
            registered in the order of the forward, as ours are.
    """

    model: nn.Module
    first_calls: Mapping[str, int] = field(default_factory=dict)

    def modules(self) -> list[tuple[str, nn.Module]]:
        """Return every module with its path, in the order in which the forward calls them first.

        A module that is not called itself (its weight may be handed to a function) follows all that the module that
        holds it calls.
        """
        modules = list(self.model.named_modules())
        return sorted(modules, key=lambda entry: self._position(entry[0])) if self.first_calls else modules

    def _position(self, path: str) -> tuple[int, bool]:
        """Return what sorts the module at this path: the number of a call, and whether the module comes after it."""
        calls, holder = self.first_calls, path
        while holder and holder not in calls:
            holder = holder.rpartition(".")[0]
        if holder == path:
            return calls.get(path, 0), False
        prefix = holder and f"{holder}."
        return max((call for inside, call in calls.items() if inside.startswith(prefix)), default=calls[holder]), True


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
