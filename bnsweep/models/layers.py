"""The weight layers of any model: what is initialized, and what the tables number."""

from __future__ import annotations

from torch import nn

from bnsweep.models.network import Network
from bnsweep.models.staged import Stage
from bnsweep.norm import Normalization
from bnsweep.norm.weight import WeightLayer, weight_parameters


def weight_layers(network: Network) -> dict[str, WeightLayer]:
    """Return every weight layer by its path in the model, in the order of the forward.

    A weight layer is a fully connected or convolution module whose weight is trained. A frozen one (requires_grad is
    off) keeps the weights it was built with and is none; of several with one weight between them the first counts.
    Nothing else is one: not what a module holds as parameters of its own (attention's `in_proj_weight`), nor recurrent
    and embedding modules.
    """
    found: dict[str, WeightLayer] = {}
    seen: set[int] = set()
    for path, module in network.modules():
        if not isinstance(module, WeightLayer):
            continue
        weight = weight_parameters(module)[-1]
        if weight.requires_grad and id(weight) not in seen:
            found[path] = module
            seen.add(id(weight))
    return found


def layers(network: Network) -> list[tuple[str, WeightLayer]]:
    """Return every weight layer with the name that it has in the tables, first to last."""
    return [(layer_name(network.model, path), layer) for path, layer in weight_layers(network).items()]


def layer_name(model: nn.Module, path: str) -> str:
    """Return what the tables call the module at `path`, such as `conv0`, `block0.conv1` or `features.3`."""
    owner, _, leaf = path.rpartition(".")
    inside_stage = leaf == "layer" and isinstance(model.get_submodule(owner), Stage)
    name = owner if inside_stage else path
    return name.removeprefix("stages.") or type(model).__name__.lower()


def norm_sites(network: Network) -> list[tuple[int, str, Normalization]]:
    """Return every normalization site in the order of the forward: number and name of its layer, and the module.

    Its layer is the last one before it, the first if there is none. In mode `none` the module is an identity.
    """
    numbered: dict[nn.Module, tuple[int, str]] = {layer: (i, name) for i, (name, layer) in enumerate(layers(network))}
    current, found = next(iter(numbered.values()), (0, "")), list[tuple[int, str, Normalization]]()
    for _, module in network.modules():
        current = numbered.get(module, current)
        if isinstance(module, Normalization):
            found.append((*current, module))
    return found
