"""Weight normalization: which entries of a weight share a length, that trials are paired, and which layers have it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from bnsweep.errors import InputError
from bnsweep.models import Network, build_model, layers
from bnsweep.models.weight_norm import normalize_weights
from bnsweep.norm import WEIGHTS, NormSite, build_norm
from bnsweep.norm.weight import normalize_weight, set_weight, weight_parameters
from bnsweep.spec import CustomSpec
from bnsweep.training.initialization import INITS, initialize
from tests.probes.tiny_trials import TinyTrial

LAYERS = {
    "linear": (lambda: nn.Linear(3, 4), (2, 3)),
    "conv": (lambda: nn.Conv2d(4, 6, 2, groups=2), (2, 4, 3, 3)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2, bias=False), (1, 2, 2, 2, 3)),
    "transposed": (lambda: nn.ConvTranspose1d(3, 5, 2), (2, 3, 4)),
    "transposed, in groups": (lambda: nn.ConvTranspose2d(4, 6, 2, groups=2), (2, 4, 3, 3)),
}


def drawn(layer: nn.Module) -> nn.Module:
    """The layer in float64, its weight normalized, g and v of their own."""
    normalize_weight(layer.double())
    for i, parameter in enumerate(weight_parameters(layer)):
        nn.init.normal_(parameter, generator=torch.Generator().manual_seed(i))
    return layer


@pytest.mark.parametrize("kind", LAYERS)
def test_what_an_output_depends_on_has_length_g_and_the_direction_of_v(kind: str) -> None:
    build, shape = LAYERS[kind]
    layer = drawn(build())
    x = torch.ones(shape, dtype=torch.float64)
    g, v = (parameter.detach() for parameter in weight_parameters(layer))
    with parametrize.cached():  # so that the weight that the output depends on is this one
        weight, output = layer.weight, layer(x)
        units = [torch.autograd.grad(unit.sum(), weight, retain_graph=True)[0] != 0 for unit in output.unbind(1)]
    assert g.numel() == len(units)
    assert torch.stack(units).sum(0).eq(1).all()
    for length, unit in zip(g.flatten(), units, strict=True):
        torch.testing.assert_close(weight[unit].detach(), length * v[unit] / v[unit].square().sum().sqrt())


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_keeps_the_weight_it_has_and_takes_the_one_it_is_given_bit_for_bit(kind: str) -> None:
    layer, other = (LAYERS[kind][0]() for _ in range(2))
    before = layer.weight.detach().clone()
    normalize_weight(layer)
    assert torch.equal(layer.weight, before)
    kept = weight_parameters(layer)
    set_weight(layer, other.weight)
    assert torch.equal(layer.weight, other.weight)
    assert all(a is b for a, b in zip(weight_parameters(layer), kept, strict=True))
    assert torch.equal(copy.deepcopy(layer).weight, other.weight)


@pytest.mark.parametrize("init", INITS)
def test_a_models_outputs_start_as_those_of_mode_none_whatever_the_gain(init: str) -> None:
    plain, normalized = (TinyTrial("resnet", norm).network for norm in ("none", "weight"))
    for network in (plain, normalized):
        initialize(network, init, 3.0, seed=1)
    x = torch.randn((2, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(normalized.model(x), plain.model(x))


def test_a_short_first_step_moves_every_weight_as_it_does_in_mode_none() -> None:
    moves = []
    for norm in ("none", "weight"):
        trial = TinyTrial("mlp", norm, lr=1e-7)
        before = [layer.weight.detach().clone() for _, layer in layers(trial.network)]
        trial.take_step()
        now = [layer.weight.detach() for _, layer in layers(trial.network)]
        moves.append([(b - a) / trial.lr for a, b in zip(before, now, strict=True)])
    for plain, normalized in zip(*moves, strict=True):
        torch.testing.assert_close(normalized, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("norm", WEIGHTS)
@pytest.mark.parametrize("model", ["vgg", "mlp", "deep_linear", "resnet", "chain", "branches"])
def test_the_layers_before_a_site_are_normalized_and_the_last_one_is_not(model: str, norm: str) -> None:
    *hidden, (_, last) = layers(TinyTrial(model, norm).network)
    assert [parametrize.is_parametrized(layer, "weight") for _, layer in hidden] == [True] * len(hidden)
    assert not parametrize.is_parametrized(last)


def site() -> nn.Module:
    return build_norm("weight", NormSite(channels=4, spatial=None, index=0, noise_seed=0))


def test_a_site_before_every_layer_has_no_weight_to_normalize() -> None:
    model = nn.Sequential(site(), nn.Linear(4, 4), site(), nn.Linear(4, 2))
    normalize_weights(Network(model), "weight")
    assert [name for name, _ in layers(Network(model)) if parametrize.is_parametrized(model.get_submodule(name))] == [
        "1"
    ]


def test_sites_that_are_not_registered_behind_their_layers_are_refused() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), site(), site())
    with pytest.raises(InputError) as error:
        normalize_weights(Network(model), "weight")
    assert str(error.value) == (
        "norm: weight normalizes the weight of the layer before each site, and 1 is before 2; "
        "put a site right after each layer"
    )
    assert not any(parametrize.is_parametrized(module) for module in model.modules())


def test_a_frozen_layer_keeps_its_weight() -> None:
    model = nn.Sequential(nn.Linear(4, 4), site(), nn.Linear(4, 4).requires_grad_(False), site(), nn.Linear(4, 2))
    normalize_weights(Network(model), "weight")
    assert [name for name, _ in layers(Network(model)) if parametrize.is_parametrized(model.get_submodule(name))] == [
        "0"
    ]
    assert not parametrize.is_parametrized(model[2])


def test_a_weight_that_two_layers_share_is_refused() -> None:
    with pytest.raises(InputError, match=r"norm: weight cannot normalize 2, whose weight another module shares; leave"):
        build_model(CustomSpec(name="tests.user_code.models:tied"), "weight", (1, 8, 8), 10, noise_seed=0)
