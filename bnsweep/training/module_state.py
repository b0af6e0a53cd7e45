"""All that training moves of a module."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from bnsweep.probes.attributes import Attributes
from bnsweep.probes.context import buffer_copies, parameter_copies


class ModuleState:
    """Saves and restores a module: all its parameters and buffers, those that are not persistent too, and what of the
    parameters is trained.

    What a user's modules keep in plain attributes that moved since this was made is saved as it is, by path and name: a
    module in which that is no plain value cannot be saved.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model, self._as_built = model, Attributes.of(model.modules())

    def state_dict(self) -> dict[str, Any]:
        """Return copies of it."""
        paths = {module: path for path, module in self._model.named_modules()}
        moved = self._as_built.moved_until(Attributes.of(self._model.modules()))
        return {
            "attributes": [(paths[module], name, vars(module).get(name)) for module, name in moved],
            "parameters": parameter_copies(self._model),
            "buffers": buffer_copies(self._model),
            "trained": {name: w.requires_grad for name, w in self._model.named_parameters()},
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put a module that was built alike where `state_dict` found another."""
        for name, parameter in self._model.named_parameters():
            parameter.copy_(state["parameters"][name])
            parameter.requires_grad_(state["trained"][name])
        for name, buffer in self._model.named_buffers():
            buffer.copy_(state["buffers"][name])
        for path, name, value in state["attributes"]:
            setattr(self._model.get_submodule(path), name, value)
