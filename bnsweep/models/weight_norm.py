"""Which layers of a model get normalized weights, in the modes that normalize weights."""

from __future__ import annotations

from collections import Counter

from bnsweep.errors import InputError
from bnsweep.models.network import Network
from bnsweep.norm import WEIGHTS, Normalization
from bnsweep.norm.weight import WeightLayer


def normalize_weights(network: Network, norm: str) -> None:
    """Normalize the weight of the layer before each site, in place: the layers whose output other modes normalize.

    So the last layer, which has no site, is the same in every mode. (Salimans & Kingma normalize it too.) The layer
    before a site is the last one that the forward calls before it, as for the probes; a site before all layers has
    none. A frozen layer keeps the weight it was built with.

    Raises:
        InputError: two sites with one layer, so that another has none, a weight shared with another module, or one that
            the mode cannot normalize.
    """
    model = network.model
    paths = {module: path for path, module in model.named_modules()}
    uses = Counter(id(parameter) for module in model.modules() for parameter in module.parameters(recurse=False))
    sites = Counter(_layers_before_sites(network))
    for layer, count in sites.items():
        if count > 1:
            raise InputError(
                f"norm: {norm} normalizes the weight of the layer before each site, and {paths[layer]} is before "
                f"{count}; put a site right after each layer"
            )
        if uses[id(layer.weight)] > 1:
            raise InputError(
                f"norm: {norm} cannot normalize {paths[layer]}, whose weight another module shares; "
                "leave out its site or the sharing"
            )
    for layer in sites:
        if layer.weight.requires_grad:
            WEIGHTS[norm](layer)


def _layers_before_sites(network: Network) -> list[WeightLayer]:
    """Return the layer before each site, first to last."""
    current: WeightLayer | None = None
    found = list[WeightLayer]()
    for _, module in network.modules():
        if isinstance(module, WeightLayer):
            current = module
        elif isinstance(module, Normalization) and current is not None:
            found.append(current)
    return found
