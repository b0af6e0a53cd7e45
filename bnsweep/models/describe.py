"""What the user should know, before a run, of how a model of their own is measured."""

from __future__ import annotations

from bnsweep.models.chain import split
from bnsweep.models.layers import norm_sites, weight_layers
from bnsweep.models.network import Network

MAX_NAMED = 3
"""Parameters that a note names."""


def describe_split(network: Network, name: str | None = None) -> str | None:
    """Return what the user should know of ICS on this model, a line each, else None.

    Args:
        network: the model.
        name: what the user calls it; its class by default.
    """
    model = network.model
    name = name or f"{type(model).__module__}:{type(model).__qualname__}"
    lines = list[str]()
    if obstacle := split(network).obstacle:
        lines.append(f"ics: {obstacle} for {name}; one full pass per layer")
    if others := _parameters_of_no_layer(network):
        named = ", ".join(others[:MAX_NAMED]) + (
            f" and {len(others) - MAX_NAMED} more" if len(others) > MAX_NAMED else ""
        )
        lines.append(
            f"ics: a layer is a linear or convolution module; {named} of {name} "
            "have no row and count to the layer before them"
        )
    return "\n".join(lines) or None


def _parameters_of_no_layer(network: Network) -> list[str]:
    """Return the names of the trained parameters outside weight layers and normalization sites."""
    known = {
        id(parameter)
        for module in (*weight_layers(network).values(), *(site for _, _, site in norm_sites(network)))
        for parameter in module.parameters()
    }
    return [name for name, w in network.model.named_parameters() if w.requires_grad and id(w) not in known]
