"""Any model as a chain of stages, so that a probe can run the end of it without the beginning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from bnsweep.models.layers import layer_name, weight_layers
from bnsweep.models.network import Network
from bnsweep.models.staged import StagedModel
from bnsweep.norm.weight import WeightLayer, weight_parameters

Children = list[tuple[str, nn.Module]]


@dataclass(frozen=True)
class LayerView:
    """One weight layer: W_i, and what moves with it.

    Args:
        name: what the tables call it.
        weights: names, among the model's parameters, of what W_i is made of: its weight tensor, or g and v where the
            weight is normalized.
        parameters: names of all parameters that belong to it: its own, and those of modules that are no weight layer
            (normalization gain and shift) and that the forward calls after it and before the next layer, be it in its
            stage or at the beginning of the next one. The first layer also has those that are called before it. A
            parameter of several modules is where the first of them is called.
    """

    name: str
    weights: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class StageView:
    """One link of the chain: a module that is called with the output of the one before, and nothing else.

    Args:
        name: the path of the child of the model that has the layers.
        module: the model's own submodule, or several of them in a row; the whole model where no chain is known.
        layers: its weight layers, in the order of the forward.
        parameters: the model's name of each parameter, by its name in `module`; shared ones under every name.
        buffers: the same of the buffers.
    """

    name: str
    module: nn.Module
    layers: tuple[LayerView, ...]
    parameters: Mapping[str, str]
    buffers: Mapping[str, str]


@dataclass(frozen=True)
class Split:
    """A model's stages, first to last; every weight layer is in one of them.

    Args:
        stages: the chain; its layers in order are those of `bnsweep.models.layers`.
        obstacle: why there is one stage only, which means one full pass per layer; None where there is a chain.
    """

    stages: tuple[StageView, ...]
    obstacle: str | None

    @property
    def layers(self) -> tuple[LayerView, ...]:
        """Return all layers, first to last: layer i of the tables is the i-th."""
        return tuple(layer for stage in self.stages for layer in stage.layers)


def split(network: Network) -> Split:
    """Return the model's natural chain of stages.

    A `StagedModel` and an `nn.Sequential` are split at their children, and nested `nn.Sequential`s at theirs: what they
    do is known, not guessed. A child without weight layers joins the stage before it, at the beginning the one after
    it. All others are one stage, and so is a chain whose stages share a parameter or a buffer, since there the end
    alone is not a function of its own.
    """
    index, model = _Index.of(network), network.model
    groups = _groups(model, index)
    obstacle = None
    inside = {module for group in groups for _, child in group for module in child.modules()}
    if not index.layers.keys() <= inside or (len(groups) == 1 and len(index.layers) > 1):
        obstacle = "no chain of stages known"
    elif _share_tensors(groups):
        obstacle = "stages share parameters or buffers"
    if obstacle:
        groups = [[("", model)]]
    return Split(tuple(index.view(group) for group in groups), obstacle)


def _groups(model: nn.Module, index: _Index) -> list[Children]:
    """Return the children that make up each stage: one with weight layers each, if there is a chain."""
    pending, groups = Children(), list[Children]()
    for path, child in _children(model):
        if index.has_layers(child):
            groups.append([*pending, (path, child)])
            pending = []
        elif groups:
            groups[-1].append((path, child))
        else:
            pending.append((path, child))
    return groups or [[("", model)]]


def _children(model: nn.Module) -> Children:
    """Return path and module of what the model calls in turn; the model itself if that is not known."""
    stages = getattr(model, "stages", None)
    if type(model).forward is StagedModel.forward and isinstance(stages, nn.Sequential) and not _has_hooks(model):
        return list(_flattened("stages", stages))
    return list(_flattened("", model))


def _flattened(path: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    if type(module).forward is not nn.Sequential.forward or _has_hooks(module):
        yield path, module
        return
    for name, child in module.named_modules(remove_duplicate=False):  # named_children() leaves out what is used twice
        if name and "." not in name:
            yield from _flattened(f"{path}.{name}" if path else name, child)


def _has_hooks(module: nn.Module) -> bool:
    """Return whether calling the module does more than its forward; PyTorch has no public way to ask."""
    return any((module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks))


def _share_tensors(groups: Sequence[Children]) -> bool:
    """Return whether two stages have a parameter or a buffer between them."""
    tensors = [{id(t) for _, child in group for t in (*child.parameters(), *child.buffers())} for group in groups]
    return any(count > 1 for count in Counter(t for group in tensors for t in group).values())


@dataclass(frozen=True)
class _Index:
    """The layers in the order of the forward, and each one's view; what the model calls parameters and buffers (by id).

    The views do not depend on the stages: whose a parameter is follows from the order of the calls alone, not from how
    the model is put together.
    """

    layers: Mapping[nn.Module, LayerView]
    parameters: Mapping[int, str]
    buffers: Mapping[int, str]

    @classmethod
    def of(cls, network: Network) -> _Index:
        model = network.model
        parameters = {id(parameter): name for name, parameter in model.named_parameters()}
        return cls(
            _views(network, parameters), parameters, {id(buffer): name for name, buffer in model.named_buffers()}
        )

    def has_layers(self, module: nn.Module) -> bool:
        return any(inner in self.layers for inner in module.modules())

    def view(self, children: Children) -> StageView:
        """Return the stage that these children, called in a row, make."""
        module = children[0][1] if len(children) == 1 else nn.Sequential(*(child for _, child in children))
        inside = set(module.modules())
        path = next((path for path, child in children if self.has_layers(child)), "")
        return StageView(
            path.removeprefix("stages."),
            module,
            tuple(view for layer, view in self.layers.items() if layer in inside),
            {name: self.parameters[id(p)] for name, p in module.named_parameters(remove_duplicate=False)},
            {name: self.buffers[id(b)] for name, b in module.named_buffers(remove_duplicate=False)},
        )


def _views(network: Network, parameters: Mapping[int, str]) -> dict[nn.Module, LayerView]:
    """Return every layer, first to last, with what the forward calls from it on to the next."""
    layers = {layer: layer_name(network.model, path) for path, layer in weight_layers(network).items()}
    owned: dict[WeightLayer, list[str]] = {layer: [] for layer in layers}
    current, taken = next(iter(layers), None), set[int]()
    for _, module in network.modules():
        current = module if isinstance(module, WeightLayer) and module in layers else current
        for parameter in module.parameters(recurse=False):
            if current is not None and id(parameter) not in taken:
                owned[current].append(parameters[id(parameter)])
                taken.add(id(parameter))
    return {
        layer: LayerView(name, tuple(parameters[id(w)] for w in weight_parameters(layer)), tuple(owned[layer]))
        for layer, name in layers.items()
    }
