"""What a loop of the user's own moves from step to step, to be saved between two of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import nn

from bnsweep.errors import InputError
from bnsweep.probes.state import NotPlain, Remembering
from bnsweep.training.module_state import ModuleState


@dataclass(frozen=True)
class Kept:
    """Models, optimizers and whatever else has `state_dict` and `load_state_dict`.

    Args:
        things: each by its name, a module as what saves all that training moves of it.
    """

    things: Mapping[str, Remembering]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return what is to be saved.

        Raises:
            InputError: something of it has no `state_dict` and `load_state_dict`.
        """
        for name, thing in given.items():
            if not isinstance(thing, Remembering | torch.Generator):
                raise InputError(
                    f"ctx.steps({name}=...): a {type(thing).__name__} has no state_dict and load_state_dict; "
                    "give what has both, or a torch.Generator"
                )
        return cls({name: _saving(thing) for name, thing in given.items()})

    def state_dict(self) -> dict[str, Any]:
        """Return the state of each thing.

        Raises:
            NotPlain: there is none, so that a trial could not go on by it.
        """
        if not self.things:
            raise NotPlain("ctx.steps() is given nothing that is to be saved")
        return dict(self.states())

    def states(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the state of each thing by its name."""
        return ((name, _plain(thing.state_dict())) for name, thing in self.things.items())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put things that were made alike where `state_dict` found others."""
        for name, thing in self.things.items():
            thing.load_state_dict(state[name])


@dataclass(frozen=True)
class _GeneratorState:
    generator: torch.Generator

    def state_dict(self) -> dict[str, Any]:
        return {"state": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.set_state(state["state"].cpu())


def _saving(thing: Any) -> Remembering:
    if isinstance(thing, nn.Module):
        return ModuleState(thing)
    return _GeneratorState(thing) if isinstance(thing, torch.Generator) else thing


def _plain(value: Any) -> Any:
    """Return a state with dictionaries in the place of ordered ones, which `torch.nn` makes."""
    if isinstance(value, OrderedDict) or type(value) is dict:
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if type(value) is list else value
