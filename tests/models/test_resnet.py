"""The CIFAR residual network against the paper's table, and against its definition written out."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bnsweep.errors import InputError
from bnsweep.models import Network, StagedModel, build_model, layers, norm_sites
from bnsweep.norm import NORMS
from bnsweep.spec import ResnetSpec
from bnsweep.training.initialization import initialize

CIFAR, DIGITS = (3, 32, 32), (1, 8, 8)


def resnet(
    depth: int = 8, width: int = 4, norm: str = "batch", input_shape=DIGITS, norm_position: str = "post"
) -> StagedModel:
    spec = ResnetSpec(name="resnet", depth=depth, width=width, norm_position=norm_position)
    return build_model(spec, norm, input_shape, 10, noise_seed=7).model


def shapes(model: nn.Module, input_shape) -> list[tuple[int, ...]]:
    """The shape of what each layer returns, without the batch."""
    seen: list[tuple[int, ...]] = []
    for _, layer in layers(Network(model)):
        layer.register_forward_hook(lambda *call: seen.append(tuple(call[2].shape[1:])))
    model.eval()(torch.zeros(2, *input_shape))
    return seen


@pytest.mark.parametrize("depth", [8, 20, 110])
def test_it_has_6n_plus_2_weight_layers_in_three_groups_of_maps(depth: int) -> None:
    n = (depth - 2) // 6
    model = resnet(depth, 2, input_shape=CIFAR)
    assert len(layers(Network(model))) == depth
    expected = [(2, 32, 32)] * (2 * n + 1) + [(4, 16, 16)] * (2 * n) + [(8, 8, 8)] * (2 * n) + [(10,)]
    assert shapes(model, CIFAR) == expected


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_it_has_the_papers_number_of_parameters(depth: int, millions: float) -> None:
    model = resnet(depth, 16, input_shape=CIFAR)
    assert sum(parameter.numel() for parameter in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.025)


def test_layers_are_named_by_stage_and_convolution() -> None:
    names = [name for name, _ in layers(Network(resnet(8)))]
    blocks = [f"block{i}.conv{j}" for i in range(3) for j in range(2)]
    assert names == ["stem", *blocks, "linear"]


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (4, 4)])
def test_a_site_follows_every_convolution_and_knows_its_map(size: tuple[int, int]) -> None:
    model = resnet(8, norm="noisy_batch", input_shape=(1, *size))
    sites = [norm.site for _, _, norm in norm_sites(Network(model))]
    assert [site.index for site in sites] == list(range(7))
    assert {site.noise_seed for site in sites} == {7}
    assert [(site.channels, *site.spatial) for site in sites] == shapes(model, (1, *size))[:-1]
    assert [name for _, name, _ in norm_sites(Network(model))] == [name for name, _ in layers(Network(model))][:-1]


@pytest.mark.parametrize("norm", NORMS)
def test_layers_have_the_same_weights_and_biases_in_every_mode(norm: str) -> None:
    plain, found = (
        {name: (layer.weight.shape, layer.bias.shape) for name, layer in layers(Network(resnet(8, norm=mode)))}
        for mode in ("none", norm)
    )
    assert found == plain
    assert found["block1.conv0"] == ((8, 4, 3, 3), (8,))


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_the_forward_is_the_definition_written_out(norm: str) -> None:
    model = resnet(8, norm=norm).double()
    initialize(Network(model), "kaiming_normal", 1.0, seed=0)
    x = torch.randn((5, *DIGITS), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h = F.relu(model.stages.stem.norm(F.conv2d(x, *model.stages.stem.layer.parameters(), padding=1)))
    for name, stride in (("block0", 1), ("block1", 2), ("block2", 2)):
        block = model.stages.get_submodule(name)
        inner = F.relu(block.norm0(F.conv2d(h, *block.conv0.parameters(), stride=stride, padding=1)))
        inner = block.norm1(F.conv2d(inner, *block.conv1.parameters(), padding=1))
        shortcut = torch.zeros_like(inner)
        shortcut[:, : h.shape[1]] = h[:, :, ::stride, ::stride]
        h = F.relu(inner + shortcut)
    expected = F.linear(h.mean((2, 3)), *model.stages.linear.layer.parameters())
    torch.testing.assert_close(model(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_with_pre_the_forward_is_that_of_identity_mappings(norm: str) -> None:
    model = resnet(8, norm=norm, norm_position="pre").double()
    initialize(Network(model), "kaiming_normal", 1.0, seed=0)
    x = torch.randn((5, *DIGITS), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h = F.conv2d(x, *model.stages.stem.layer.parameters(), padding=1)
    for name, stride in (("block0", 1), ("block1", 2), ("block2", 2)):
        block = model.stages.get_submodule(name)
        inner = F.conv2d(F.relu(block.norm0(h)), *block.conv0.parameters(), stride=stride, padding=1)
        inner = F.conv2d(F.relu(block.norm1(inner)), *block.conv1.parameters(), padding=1)
        shortcut = torch.zeros_like(inner)
        shortcut[:, : h.shape[1]] = h[:, :, ::stride, ::stride]
        h = inner + shortcut
    last = model.stages.linear
    expected = F.linear(F.relu(last.before[0](h)).mean((2, 3)), *last.layer.parameters())
    torch.testing.assert_close(model(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
def test_with_pre_the_sites_have_the_maps_that_they_meet_and_the_layers_are_the_same(size: tuple[int, int]) -> None:
    shape = (1, *size)
    model, post = (resnet(8, norm="noisy_batch", input_shape=shape, norm_position=name) for name in ("pre", "post"))
    sites = [norm.site for _, _, norm in norm_sites(Network(model))]
    assert [site.index for site in sites] == list(range(7))
    assert [(site.channels, *site.spatial) for site in sites] == shapes(model, shape)[:-1]
    assert [name for _, name, _ in norm_sites(Network(model))] == [name for name, _ in layers(Network(model))][:-1]
    assert shapes(model, shape) == shapes(post, shape)


def test_building_leaves_the_global_random_stream_alone_and_weights_at_zero() -> None:
    before = torch.get_rng_state()
    model = resnet(14)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(not parameter.any() for _, layer in layers(Network(model)) for parameter in layer.parameters())


@pytest.mark.parametrize("size", [(3, 8), (8, 3), (1, 1)])
def test_images_that_cannot_be_halved_twice_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError) as error:
        resnet(20, input_shape=(1, *size))
    assert str(error.value) == (
        "model.name: resnet (depth 20) halves its input twice and needs at least 4x4 pixels; "
        f"given a {size[0]}x{size[1]} input"
    )


def test_a_mode_that_cannot_work_on_the_smallest_map_is_refused() -> None:
    with pytest.raises(InputError, match=r"more than two positions per channel, but site 5 \(16 channels, 1x1\)"):
        resnet(8, norm="instance", input_shape=(1, 4, 4))
