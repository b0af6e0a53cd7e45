"""Weight standardization: against a loop over the weights of each unit, and what follows from the formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from bnsweep.errors import InputError
from bnsweep.models import layers
from bnsweep.norm.weight import normalize_weight, set_weight, weight_parameters
from bnsweep.norm.weight_standardization import standardize_weight
from bnsweep.training.initialization import initialize
from tests import reference
from tests.norm.test_weight import LAYERS
from tests.probes.tiny_trials import TinyTrial


@pytest.mark.parametrize("kind", LAYERS)
def test_the_weights_that_an_output_depends_on_are_standardized(kind: str) -> None:
    build, shape = LAYERS[kind]
    plain = build().double()
    x = torch.ones(shape, dtype=torch.float64)
    units = [torch.autograd.grad(unit.sum(), plain.weight, retain_graph=True)[0] != 0 for unit in plain(x).unbind(1)]
    nn.init.normal_(plain.weight, 0.7, 0.02, generator=torch.Generator().manual_seed(0))
    given = plain.weight.detach().clone()
    standardize_weight(plain)
    expected = reference.standardized([given[unit].tolist() for unit in units])
    for unit, weights in zip(units, expected, strict=True):
        torch.testing.assert_close(plain.weight[unit], torch.tensor(weights, dtype=torch.float64))


def test_it_is_weight_normalization_of_centred_weights_with_g_held() -> None:
    standardized, normalized = nn.Linear(5, 3).double(), nn.Linear(5, 3).double()
    weight = torch.randn((3, 5), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    standardize_weight(standardized)
    normalize_weight(normalized)
    set_weight(standardized, weight)
    set_weight(normalized, weight - weight.mean(1, keepdim=True))
    weight_parameters(normalized)[0].data.fill_(math.sqrt(5))
    torch.testing.assert_close(standardized.weight, normalized.weight, rtol=1e-9, atol=0)


def test_standardized_weights_make_it_group_normalization() -> None:
    group, standardized = (TinyTrial("vgg", norm).network for norm in ("group", "weight_standardization"))
    for (_, layer), (_, same) in zip(layers(group), layers(standardized), strict=True):
        set_weight(layer, same.weight.detach())
    x = torch.randn((2, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(group.model(x), standardized.model(x))


def test_outputs_do_not_depend_on_the_gain_where_the_last_layer_has_none() -> None:
    outputs = []
    x = torch.randn((2, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for gain in (0.5, 4.0):
        network = TinyTrial("vgg", "weight_standardization").network
        initialize(network, "kaiming_normal", gain, seed=1)
        outputs.append(network.model(x) / gain)  # the last layer has no site
    torch.testing.assert_close(*outputs, rtol=1e-6, atol=1e-9)


def test_a_constant_filter_has_no_weight_left_and_a_finite_gradient() -> None:
    layer = nn.Linear(3, 1, bias=False).double()
    standardize_weight(layer)
    set_weight(layer, torch.full((1, 3), 2.0))
    layer(torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64)).sum().backward()
    assert layer.weight.abs().max() == 0
    assert torch.isfinite(weight_parameters(layer)[0].grad).all()


@pytest.mark.parametrize(
    ("layer", "number"), [(nn.Linear(1, 4), "one"), (nn.Conv2d(4, 4, 1, groups=4), "one"), (nn.Linear(2, 4), "two")]
)
def test_units_of_one_weight_or_two_are_refused(layer: nn.Module, number: str) -> None:
    with pytest.raises(
        InputError,
        match=rf"norm: weight_standardization needs more than two weights per output unit, but .* has {number}; use",
    ):
        standardize_weight(layer)
