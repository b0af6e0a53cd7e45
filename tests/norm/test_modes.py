"""Every normalization mode against loops over Python floats."""

import pytest
import torch

from bnsweep.errors import InputError
from bnsweep.norm import NORMS, NormSite, build_norm, set_step
from tests import reference

SHAPES = {"map": (3, 6, 2, 3), "fully_connected": (5, 6)}
CASES = [(mode, shape) for mode in NORMS for shape in SHAPES if (mode, shape) != ("instance", "fully_connected")]
GAIN = torch.tensor([1.0, -2.0, 0.5, 3.0, 1.5, 0.1], dtype=torch.float64)
SHIFT = torch.tensor([0.0, 1.0, -1.0, 0.2, 5.0, -3.0], dtype=torch.float64)


def site_for(shape: tuple[int, ...], index: int = 0) -> NormSite:
    return NormSite(channels=shape[1], spatial=(shape[2], shape[3]) if shape[2:] else None, index=index, noise_seed=1)


def activation(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    """An activation whose channels differ in mean and scale."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    channel = torch.arange(shape[1], dtype=torch.float64).view(1, -1, *(1 for _ in shape[2:]))
    return x * (1 + channel) + channel - 2


def affine(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    view = (1, -1, *(1 for _ in shape[2:]))
    return GAIN.view(view), SHIFT.view(view)


@pytest.mark.parametrize(("mode", "kind"), [case for case in CASES if case[0] != "noisy_batch"])
def test_training_forward_equals_the_loops(mode: str, kind: str) -> None:
    x = activation(SHAPES[kind])
    y = build_norm(mode, site_for(x.shape)).double()(x)
    torch.testing.assert_close(y, reference.normalize(mode, x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", SHAPES)
def test_noisy_batch_is_algorithm_1_after_batch_normalization(kind: str) -> None:
    x = activation(SHAPES[kind])
    norm = build_norm("noisy_batch", site_for(x.shape)).double()
    set_step(norm, 3)
    y = norm(x)
    s, m = norm.noise(x)
    torch.testing.assert_close(y, reference.noisy(reference.normalize("batch", x), s, m), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("mode", "kind"), [case for case in CASES if case[0] not in {"none", "noisy_batch", "weight"}])
def test_gain_and_shift_are_per_channel_and_start_at_one_and_zero(mode: str, kind: str) -> None:
    x = activation(SHAPES[kind])
    norm = build_norm(mode, site_for(x.shape)).double()
    shapes = {name: tuple(p.shape) for name, p in norm.named_parameters() if (mode, name) != ("dyt", "alpha")}
    assert shapes == {"weight": (6,), "bias": (6,)}
    assert norm.weight.tolist() == [1.0] * 6
    assert norm.bias.tolist() == [0.0] * 6
    plain = norm(x)
    norm.weight.data.copy_(GAIN)
    norm.bias.data.copy_(SHIFT)
    gain, shift = affine(x.shape)
    torch.testing.assert_close(norm(x), gain * plain + shift)


@pytest.mark.parametrize("mode", NORMS)
def test_every_mode_is_a_module_that_keeps_the_shape_and_passes_gradients(mode: str) -> None:
    x = activation(SHAPES["map"]).requires_grad_()
    norm = build_norm(mode, site_for(x.shape)).double()
    set_step(norm, 0)
    assert norm(x).shape == x.shape
    assert torch.autograd.gradcheck(norm, (x,), atol=1e-6)


@pytest.mark.parametrize("kind", SHAPES)
def test_dyt_is_the_identity_times_alpha_where_that_is_small(kind: str) -> None:
    x = 1e-3 * activation(SHAPES[kind])
    norm = build_norm("dyt", site_for(x.shape)).double()
    assert norm.alpha.item() == 0.5
    norm.alpha.data.fill_(0.2)
    torch.testing.assert_close(norm(x), 0.2 * x, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("kind", SHAPES)
def test_l2_is_batch_normalization_in_training(kind: str) -> None:
    x = activation(SHAPES[kind])
    batch, l2 = (build_norm(mode, site_for(x.shape)).double() for mode in ("batch", "l2"))
    torch.testing.assert_close(l2(x), batch(x))


@pytest.mark.parametrize(("mode", "p"), [("l1", 1), ("l2", 2), ("linf", torch.inf)])
def test_lp_evaluation_uses_running_averages_with_momentum_a_tenth(mode: str, p: float) -> None:
    norm = build_norm(mode, site_for(SHAPES["map"])).double()
    mean, power = torch.zeros(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64)
    for seed in range(3):
        x = activation(SHAPES["map"], seed)
        norm(x)
        columns = x.transpose(0, 1).flatten(1)
        d = (columns - columns.mean(1, keepdim=True)).abs()
        mean = 0.9 * mean + 0.1 * columns.mean(1)
        power = 0.9 * power + 0.1 * (d.amax(1) if p == torch.inf else d.pow(p).mean(1))
    x = activation(SHAPES["map"], 9)
    scale = power + 1e-5 if p == torch.inf else (power + 1e-5).pow(1 / p)
    expected = (x - mean.view(1, -1, 1, 1)) / scale.view(1, -1, 1, 1)
    torch.testing.assert_close(norm.eval()(x), expected)


def test_evaluation_moves_no_running_average() -> None:
    norm = build_norm("l1", site_for(SHAPES["map"])).double().eval()
    before = {name: buffer.clone() for name, buffer in norm.named_buffers()}
    norm(activation(SHAPES["map"]))
    assert all(torch.equal(buffer, before[name]) for name, buffer in norm.named_buffers())


def test_constant_input_gives_zeros_and_finite_gradients_in_every_batch_mode() -> None:
    for mode in ("batch", "l1", "l2", "linf"):
        x = torch.full((4, 2), 3.0, dtype=torch.float64, requires_grad=True)
        y = build_norm(mode, site_for((4, 2))).double()(x)
        y.square().sum().backward()
        assert y.abs().max() == 0
        assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize(
    ("mode", "channels", "spatial", "text"),
    [
        (
            "instance",
            6,
            None,
            "norm: instance normalization needs more than two positions per channel, "
            "but site 2 (6 channels, fully connected) has one; use layer or group",
        ),
        (
            "instance",
            6,
            (1, 1),
            "norm: instance normalization needs more than two positions per channel, "
            "but site 2 (6 channels, 1x1) has one; use layer or group",
        ),
        (
            "group",
            8,
            (1, 1),
            "norm: group normalization needs more than two values per group, "
            "but site 2 (8 channels, 1x1) has one; use layer, or more channels",
        ),
        (
            "group",
            16,
            None,
            "norm: group normalization needs more than two values per group, but site 2 (16 channels, fully connected) "
            "has two, which become +1 and -1 whatever they are; use layer, or more channels",
        ),
        (
            "instance",
            4,
            (1, 2),
            "norm: instance normalization needs more than two positions per channel, but site 2 (4 channels, 1x2) "
            "has two, which become +1 and -1 whatever they are; use layer or group",
        ),
        (
            "layer",
            2,
            None,
            "norm: layer normalization needs more than two values per sample, but site 2 (2 channels, fully connected) "
            "has two, which become +1 and -1 whatever they are; use batch",
        ),
        (
            "weight_standardization",
            8,
            None,
            "norm: weight_standardization normalization needs more than two values per group, "
            "but site 2 (8 channels, fully connected) has one; use layer, or more channels",
        ),
        (
            "layer",
            1,
            None,
            "norm: layer normalization needs more than two values per sample, "
            "but site 2 (1 channels, fully connected) has one; use batch",
        ),
        (
            "rms",
            1,
            (1, 1),
            "norm: rms normalization needs more than one value per sample, "
            "but site 2 (1 channels, 1x1) has one; use batch",
        ),
    ],
)
def test_a_mode_that_would_normalize_everything_away_is_refused(mode, channels, spatial, text) -> None:
    with pytest.raises(InputError) as error:
        build_norm(mode, NormSite(channels, spatial, index=2, noise_seed=0))
    assert str(error.value) == text


def test_an_unknown_mode_lists_all_and_names_the_closest() -> None:
    with pytest.raises(InputError) as error:
        build_norm("bacth", site_for(SHAPES["map"]))
    assert str(error.value) == (
        "norm: given 'bacth'; allowed: batch, dyt, group, instance, l1, l2, layer, linf, noisy_batch, none, rms, "
        "weight, weight_standardization; did you mean 'batch'?"
    )
