"""How a model is taken apart: stages, layers, and the parameters of each."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from bnsweep.models import Network, StagedModel, build_model, describe_split, layers, split
from bnsweep.models.pool import HalvingMaxPool
from bnsweep.norm.weight import weight_parameters
from bnsweep.spec import DeepLinearSpec, MlpSpec, ResnetSpec, TransformerSpec, VggSpec
from bnsweep.training.initialization import initialize

DIGITS = (1, 8, 8)


def owned(model: nn.Module) -> dict[str, tuple[str, ...]]:
    return {layer.name: layer.parameters for layer in split(Network(model)).layers}


@pytest.mark.parametrize(
    "spec",
    [
        VggSpec(name="vgg", widths=(4, "M", 6)),
        MlpSpec(name="mlp", widths=(4, 5)),
        DeepLinearSpec(name="deep_linear", widths=(4, 5)),
        ResnetSpec(name="resnet", depth=14, width=2),
        ResnetSpec(name="resnet", depth=8, width=2, norm_position="pre"),
        TransformerSpec(name="transformer", width=8),
        TransformerSpec(name="transformer", width=8, norm_position="post"),
    ],
)
@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch", "l1", "weight", "dyt"])
def test_every_parameter_belongs_to_one_layer_and_layers_come_in_order(spec, norm: str) -> None:
    network = build_model(spec, norm, DIGITS, 10, noise_seed=0)
    model, found = network.model, split(network)
    assert found.obstacle is None
    assert describe_split(network) is None
    assert [layer.name for layer in found.layers] == [name for name, _ in layers(network)]
    names = [name for layer in found.layers for name in layer.parameters]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    assert len(found.stages) == len(model.stages)
    for layer, (_, module) in zip(found.layers, layers(network), strict=True):
        made_of = weight_parameters(module)
        assert all(model.get_parameter(name) is w for name, w in zip(layer.weights, made_of, strict=True))
        assert set(layer.weights) <= set(layer.parameters)
    for stage in found.stages:
        inside = dict(stage.module.named_parameters())
        assert all(model.get_parameter(name) is inside[local] for local, name in stage.parameters.items())
        assert all(model.get_buffer(name) is not None for name in stage.buffers.values())


def test_a_residual_block_is_one_stage_whose_norms_belong_to_their_convolutions() -> None:
    model = build_model(ResnetSpec(name="resnet", depth=8, width=2), "batch", DIGITS, 10, noise_seed=0).model
    assert [len(stage.layers) for stage in split(Network(model)).stages] == [1, 2, 2, 2, 1]
    of_block = [f"stages.block1.{name}" for name in ("conv0.weight", "conv0.bias", "norm0.weight", "norm0.bias")]
    assert owned(model)["block1.conv0"] == tuple(of_block)


def test_children_without_layers_join_the_stage_before_and_the_first_the_one_after() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4), nn.ReLU(), nn.LayerNorm(4), nn.Linear(4, 2), nn.Tanh())
    first, second = split(Network(model)).stages
    assert [type(module).__name__ for module in first.module] == ["BatchNorm1d", "Linear", "ReLU", "LayerNorm"]
    assert [type(module).__name__ for module in second.module] == ["Linear", "Tanh"]
    assert owned(model) == {
        "1": ("0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"),
        "4": ("4.weight", "4.bias"),
    }
    assert first.buffers["0.running_mean"] == "0.running_mean"


def test_nested_sequentials_are_split_and_a_module_without_weights_may_come_twice() -> None:
    relu = nn.ReLU()
    features = nn.Sequential(nn.Linear(3, 4), relu, nn.Linear(4, 4), relu)
    model = nn.Sequential(OrderedDict(features=features, head=nn.Linear(4, 2)))
    found = split(Network(model))
    assert [stage.name for stage in found.stages] == ["features.0", "features.2", "head"]
    x = torch.randn((2, 3), generator=torch.Generator().manual_seed(0))
    assert torch.equal(nn.Sequential(*(stage.module for stage in found.stages))(x), model(x))


class Doubled(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


@pytest.mark.parametrize("kind", ["forward", "hook"])
def test_a_sequential_that_does_more_than_its_children_is_one_stage(kind: str) -> None:
    children = nn.Linear(3, 3), nn.Linear(3, 2)
    model = Doubled(*children) if kind == "forward" else nn.Sequential(*children)
    if kind == "hook":
        model.register_forward_hook(lambda *call: 2 * call[2])
    assert split(Network(model)).stages[0].module is model
    assert split(Network(model)).obstacle == "no chain of stages known"


@pytest.mark.parametrize("shared", ["weight", "module", "norm"])
def test_stages_that_share_parameters_are_not_split(shared: str) -> None:
    first, between, norm, last = nn.Linear(3, 3), nn.Linear(3, 3), nn.LayerNorm(3), nn.Linear(3, 3)
    if shared == "weight":
        last.weight = first.weight
    children = {
        "weight": [first, between, last],
        "module": [first, between, first],
        "norm": [first, norm, between, norm],
    }[shared]
    model = nn.Sequential(*children)
    (stage,) = split(Network(model)).stages
    assert stage.module is model
    assert [layer.name for layer in stage.layers] == ["0", "2" if shared == "norm" else "1"]
    names = [name for layer in stage.layers for name in layer.parameters]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    note, *others = str(describe_split(Network(model), "my.module:net")).splitlines()
    assert note == "ics: stages share parameters or buffers for my.module:net; one full pass per layer"
    of_no_layer = {"weight": "2.bias", "module": None, "norm": "1.weight, 1.bias"}[shared]
    assert others == (
        [
            f"ics: a layer is a linear or convolution module; {of_no_layer} of my.module:net "
            "have no row and count to the layer before them"
        ]
        if of_no_layer
        else []
    )


def test_tied_weights_are_one_layer_drawn_once_and_within_a_stage_no_obstacle() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.Linear(3, 2))
    model[2].weight = model[0].weight
    assert [name for name, _ in layers(Network(model))] == ["0", "3"]
    assert owned(model) == {"0": ("0.weight", "0.bias", "2.bias"), "3": ("3.weight", "3.bias")}
    assert split(Network(model)).obstacle is None
    initialize(Network(model), "xavier_uniform", 1.0, seed=0)
    alone = nn.Sequential(nn.Linear(3, 3))
    initialize(Network(alone), "xavier_uniform", 1.0, seed=0)
    assert torch.equal(model[0].weight, alone[0].weight)


def test_a_frozen_layer_keeps_its_weights_and_is_no_layer() -> None:
    model = nn.Sequential(nn.Linear(3, 3).requires_grad_(False), nn.Linear(3, 2))
    kept = model[0].weight.clone()
    initialize(Network(model), "default", 1.0, seed=0)
    assert torch.equal(model[0].weight, kept)
    assert [name for name, _ in layers(Network(model))] == ["1"]
    assert split(Network(model)).obstacle is None


def test_layers_outside_the_stages_make_a_model_one_stage() -> None:
    class More(StagedModel):
        def __init__(self):
            super().__init__({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
            self.extra = nn.Linear(3, 3)

    assert len(split(Network(More())).stages) == 1
    assert [layer.name for layer in split(Network(More())).layers] == ["a", "b", "extra"]


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 1, 7, 9), (1, 2, 2, 3), (1, 1, 5, 2)])
@pytest.mark.parametrize("special", [0.0, float("nan"), float("inf"), float("-inf")])
def test_pooling_without_gradients_has_the_values_of_torchs(shape: tuple[int, ...], special: float) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    x[x.abs() < 0.3] = special
    expected = nn.MaxPool2d(2)(x)
    assert torch.equal(HalvingMaxPool()(x).nan_to_num(7.0), expected.nan_to_num(7.0))
    leaf = x.clone().requires_grad_()
    assert torch.equal(HalvingMaxPool()(leaf).nan_to_num(7.0), expected.nan_to_num(7.0))
