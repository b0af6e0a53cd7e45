"""Initial weights: paired across modes and gains, with the scale that each initializer promises."""

from math import sqrt

import pytest
import torch
from torch import nn

from bnsweep.errors import InputError
from bnsweep.models import Network, build_model, layers
from bnsweep.norm import NORMS
from bnsweep.norm.noise import noise_generator
from bnsweep.norm.weight import weight_parameters
from bnsweep.rng import derive
from bnsweep.spec import MlpSpec, ResnetSpec, VggSpec
from bnsweep.training.initialization import INITS, initialize


def model(norm: str = "none", widths=(6, "M", 12)) -> Network:
    return build_model(VggSpec(name="vgg", widths=widths), norm, (3, 8, 8), 10, noise_seed=0)


def drawn(init: str, gain: float = 1.0, seed: int = 0, norm: str = "none", widths=(6, "M", 12)):
    """Every layer's weight, or the v that it is made of, and bias."""
    built = model(norm, widths)
    initialize(built, init, gain, seed)
    return [(weight_parameters(layer)[-1].detach(), layer.bias.detach()) for _, layer in layers(built)]


def wide(init: str, gain: float = 1.0) -> nn.Linear:
    """A layer with fan_in 300 and fan_out 500."""
    built = build_model(MlpSpec(name="mlp", widths=(500,)), "none", (3, 10, 10), 2, noise_seed=0)
    initialize(built, init, gain, seed=3)
    return layers(built)[0][1]


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("norm", NORMS)
def test_weights_are_the_same_in_every_mode(init: str, norm: str) -> None:
    for (weight, bias), (other, other_bias) in zip(drawn(init), drawn(init, norm=norm), strict=True):
        assert torch.equal(weight, other)
        assert torch.equal(bias, other_bias)


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("gain", [0.3, 0.5, 2.0])
def test_the_gain_scales_the_weights_and_nothing_else(init: str, gain: float) -> None:
    for (weight, bias), (scaled, scaled_bias) in zip(drawn(init), drawn(init, gain), strict=True):
        assert torch.equal(weight * gain, scaled)
        assert torch.equal(bias, scaled_bias)


@pytest.mark.parametrize("init", INITS)
def test_a_layers_draw_depends_on_seed_and_layer_alone(init: str) -> None:
    first, again, longer, other = (
        drawn(init, seed=seed, widths=widths)
        for seed, widths in ((4, (6, "M", 12)), (4, (6, "M", 12)), (4, (6, 6, 12)), (5, (6, "M", 12)))
    )
    assert all(torch.equal(a, b) for a, b in zip(first[0], again[0], strict=True))
    assert torch.equal(first[0][0], longer[0][0])
    assert not torch.equal(first[0][0], other[0][0])
    assert not torch.equal(longer[0][0].flatten()[:100], longer[1][0].flatten()[:100])


@pytest.mark.parametrize(
    ("init", "std", "bound"),
    [
        ("default", 1 / sqrt(3 * 300), 1 / sqrt(300)),
        ("xavier_uniform", sqrt(2 / 800), sqrt(6 / 800)),
        ("xavier_normal", sqrt(2 / 800), None),
        ("kaiming_uniform", sqrt(2 / 300), sqrt(6 / 300)),
        ("kaiming_normal", sqrt(2 / 300), None),
        ("orthogonal", 1 / sqrt(500), None),
    ],
)
def test_weights_have_the_scale_that_the_initializer_promises(init: str, std: float, bound: float | None) -> None:
    weight = wide(init).weight.detach()
    assert weight.std().item() == pytest.approx(std, rel=0.01)
    assert abs(weight.mean().item()) < 4 * std / sqrt(weight.numel())
    if bound is not None:
        assert 0.999 * bound < weight.abs().max().item() <= bound * (1 + 1e-6)


def test_orthogonal_columns_are_orthonormal_before_the_gain() -> None:
    weight = wide("orthogonal", gain=2.0).weight.detach()
    torch.testing.assert_close(weight.T @ weight, 4 * torch.eye(300), atol=1e-5, rtol=0)


def test_biases_are_zero_but_by_default_uniform_as_in_pytorch() -> None:
    for init in INITS:
        bias = wide(init, gain=3.0).bias.detach()
        if init == "default":
            assert 0.95 / sqrt(300) < bias.abs().max().item() <= 1 / sqrt(300)
            assert bias.unique().numel() == 500
        else:
            assert not bias.any()


@pytest.mark.parametrize("norm", NORMS)
def test_normalization_parameters_and_buffers_are_not_touched(norm: str) -> None:
    built = model(norm)
    kept = {name: tensor.clone() for name, tensor in built.model.state_dict().items() if ".norm." in name}
    initialize(built, "xavier_normal", 2.0, seed=0)
    assert all(torch.equal(built.model.state_dict()[name], tensor) for name, tensor in kept.items())


def test_initializing_leaves_the_global_random_stream_alone_and_ignores_it() -> None:
    torch.manual_seed(1)
    first = drawn("default")
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert torch.equal(drawn("default")[0][0], first[0][0])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_in_float64_gets_the_float32_draw() -> None:
    built = model()
    built.model.double()
    initialize(built, "kaiming_normal", 1.0, seed=0)
    weight = layers(built)[0][1].weight.detach()
    assert weight.dtype == torch.float64
    assert torch.equal(weight.float().double(), weight)
    assert torch.equal(weight.float(), drawn("kaiming_normal")[0][0])


def test_weights_and_noise_of_one_seed_come_from_different_streams() -> None:
    weight = wide("kaiming_uniform").weight.detach().flatten()[:100]
    generator = noise_generator(3, 0, 0, torch.device("cpu"))
    uniform = torch.empty(100).uniform_(weight.min().item(), weight.max().item(), generator=generator)
    assert abs(torch.corrcoef(torch.stack([weight, uniform]))[0, 1]) < 0.4


def test_an_unknown_initializer_lists_all_and_names_the_closest() -> None:
    with pytest.raises(InputError) as error:
        initialize(model(), "xavier", 1.0, seed=0)
    assert str(error.value) == (
        "init: given 'xavier'; allowed: default, kaiming_normal, kaiming_uniform, orthogonal, xavier_normal, "
        "xavier_uniform; did you mean 'xavier_normal'?"
    )


@pytest.mark.parametrize("init", INITS)
def test_every_kind_of_layer_is_drawn_with_or_without_bias(init: str) -> None:
    kinds = [
        nn.Conv1d(3, 4, 2),
        nn.Conv3d(2, 3, 2, bias=False),
        nn.ConvTranspose2d(4, 2, 3),
        nn.Linear(5, 6, bias=False),
    ]
    built = nn.ModuleList([*kinds, nn.LayerNorm(3)])
    initialize(Network(built), init, 2.0, seed=1)
    for i, layer in enumerate(kinds):
        generator = torch.Generator().manual_seed(derive(1, "weights", i))
        assert torch.equal(layer.weight, INITS[init](torch.empty(layer.weight.shape), generator) * 2.0)
    assert built[-1].weight.tolist() == [1.0] * 3


@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch", "group", "weight"])
def test_weights_of_a_residual_network_are_the_same_in_every_mode(norm: str) -> None:
    plain, other = (
        build_model(ResnetSpec(name="resnet", depth=8, width=4), mode, (3, 8, 8), 10, noise_seed=0)
        for mode in ("none", norm)
    )
    for built in (plain, other):
        initialize(built, "default", 1.0, seed=2)
    for (_, a), (_, b) in zip(layers(plain), layers(other), strict=True):
        assert torch.equal(a.weight, b.weight)
        assert torch.equal(a.bias, b.bias)
        assert a.weight.any()
