"""The shape of the models: stages, sites, sizes, and what is refused."""

import pytest
import torch
from torch import nn

from bnsweep.errors import InputError
from bnsweep.models import MODELS, Network, StagedModel, build_model, layers, norm_sites
from bnsweep.norm import NORMS, set_step
from bnsweep.spec import DeepLinearSpec, MlpSpec, VggSpec
from bnsweep.training.initialization import initialize

DIGITS = (1, 8, 8)


def vgg(*widths, norm: str = "batch", input_shape=DIGITS) -> StagedModel:
    return build_model(VggSpec(name="vgg", widths=widths), norm, input_shape, 10, noise_seed=0).model


def mlp(*widths, norm: str = "batch", input_shape=DIGITS) -> StagedModel:
    return build_model(MlpSpec(name="mlp", widths=widths), norm, input_shape, 10, noise_seed=0).model


def sizes(model: StagedModel, input_shape=DIGITS) -> dict[str, tuple[int, ...]]:
    """The shape of what each layer returns, without the batch."""
    seen: dict[str, tuple[int, ...]] = {}
    for name, layer in layers(Network(model)):
        layer.register_forward_hook(lambda *call, name=name: seen.update({name: tuple(call[2].shape[1:])}))
    model(torch.zeros(2, *input_shape))
    return seen


def test_vgg_pools_at_the_end_of_the_stage_before() -> None:
    model = vgg(16, "M", 32, "M", 64)
    assert sizes(model) == {"conv0": (16, 8, 8), "conv1": (32, 4, 4), "conv2": (64, 2, 2), "linear": (10,)}
    assert model.stages.conv0(torch.zeros(2, 1, 8, 8)).shape == (2, 16, 4, 4)
    assert model.stages.conv2(torch.zeros(2, 32, 2, 2)).shape == (2, 64)


def test_vgg_takes_poolings_first_last_and_in_a_row_and_images_that_are_not_square() -> None:
    shape = (3, 18, 33)
    model = vgg("M", 4, "M", "M", 6, "M", norm="layer", input_shape=shape)
    assert sizes(model, shape) == {"conv0": (4, 9, 16), "conv1": (6, 2, 4), "linear": (10,)}


def test_mlp_flattens_and_ends_linear() -> None:
    assert sizes(mlp(20, 30)) == {"hidden0": (20,), "hidden1": (30,), "linear": (10,)}
    assert mlp(20, 30)(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


def deep_linear(*widths, norm: str = "none", input_shape=DIGITS, num_classes: int = 10) -> StagedModel:
    return build_model(
        DeepLinearSpec(name="deep_linear", widths=widths), norm, input_shape, num_classes, noise_seed=0
    ).model


@pytest.mark.parametrize("input_shape", [DIGITS, (64, 1, 1)])
def test_a_deep_linear_network_is_one_linear_map_of_flattened_samples(input_shape) -> None:
    model = deep_linear(5, 7, 6, input_shape=input_shape, num_classes=3).double()
    initialize(Network(model), "xavier_normal", 1.0, seed=0)
    product, shift = torch.eye(64, dtype=torch.float64), torch.zeros(64, dtype=torch.float64)
    for _, layer in layers(Network(model)):
        product, shift = layer.weight @ product, layer.weight @ shift + layer.bias
    x = torch.randn((4, *input_shape), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(model(x), x.flatten(1) @ product.T + shift)


def test_the_default_deep_linear_network_is_the_papers_25_square_layers() -> None:
    network = build_model(DeepLinearSpec(name="deep_linear"), "batch", (10, 1, 1), 10, noise_seed=0)
    assert [tuple(layer.weight.shape) for _, layer in layers(network)] == [(10, 10)] * 25
    assert [number for number, _, _ in norm_sites(network)] == list(range(24))


@pytest.mark.parametrize("norm", NORMS)
def test_every_stage_but_the_last_normalizes_before_its_relu(norm: str) -> None:
    for model in (vgg(6, "M", 12, norm=norm), mlp(6, 12, norm=norm if norm != "instance" else "layer")):
        *hidden, (last_name, last) = model.stages.named_children()
        assert last_name == "linear"
        assert last.norm is None
        for _, stage in hidden:
            assert isinstance(stage.norm, nn.Module)
            seen = []
            stage.norm.register_forward_hook(lambda *call, seen=seen: seen.append(call[2]))
            relu = next(module for module in stage.after.modules() if isinstance(module, nn.ReLU))
            relu.register_forward_pre_hook(lambda *call, seen=seen: seen.append(call[1][0]))
            set_step(stage, 0)
            conv = isinstance(stage.layer, nn.Conv2d)
            stage(torch.zeros((4, stage.layer.in_channels, 4, 4) if conv else (4, stage.layer.in_features)))
            assert seen[0] is seen[1]


@pytest.mark.parametrize("norm", NORMS)
def test_layers_have_the_same_weights_and_biases_in_every_mode(norm: str) -> None:
    def shapes(model: StagedModel) -> dict[str, tuple[int, ...]]:
        tensors = [
            (f"{name}.{key}", getattr(layer, key))
            for name, layer in layers(Network(model))
            for key in ("weight", "bias")
        ]
        return {name: tuple(tensor.shape) for name, tensor in tensors}

    assert shapes(vgg(6, "M", 12, norm=norm)) == {
        "conv0.weight": (6, 1, 3, 3),
        "conv0.bias": (6,),
        "conv1.weight": (12, 6, 3, 3),
        "conv1.bias": (12,),
        "linear.weight": (10, 12),
        "linear.bias": (10,),
    }


def test_sites_are_numbered_from_the_input_and_carry_the_noise_seed() -> None:
    model = build_model(VggSpec(name="vgg", widths=(4, "M", 6)), "noisy_batch", DIGITS, 10, noise_seed=77).model
    sites = [stage.norm.site for stage in model.stages[:-1]]
    assert [(site.index, site.channels, site.spatial, site.noise_seed) for site in sites] == [
        (0, 4, (8, 8), 77),
        (1, 6, (4, 4), 77),
    ]


@pytest.mark.parametrize("norm", NORMS)
def test_building_a_model_leaves_the_global_random_stream_alone(norm: str) -> None:
    before = torch.get_rng_state()
    model = vgg(6, "M", 12, norm=norm)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(not parameter.any() for _, layer in layers(Network(model)) for parameter in layer.parameters())


@pytest.mark.parametrize(("shape", "most"), [((1, 8, 8), 3), ((3, 32, 32), 5), ((3, 64, 9), 3), ((1, 1, 5), 0)])
def test_as_many_poolings_as_fit_and_not_one_more(shape, most: int) -> None:
    model = vgg(4, *["M"] * most, norm="none", input_shape=shape)
    assert model(torch.zeros(2, *shape)).shape == (2, 10)
    with pytest.raises(InputError) as error:
        vgg(4, *["M"] * (most + 1), norm="none", input_shape=shape)
    assert str(error.value) == (
        f"model.widths: {most + 1} poolings (M) are too many for a {shape[1]}x{shape[2]} input; at most {most} M fit"
    )


def test_instance_normalization_is_refused_where_a_map_has_shrunk_to_one_position() -> None:
    vgg(4, "M", 6, "M", 6, "M", norm="instance")
    with pytest.raises(InputError, match=r"more than two positions per channel, but site 1 \(6 channels, 1x1\)"):
        vgg(4, "M", "M", "M", 6, norm="instance")
    with pytest.raises(InputError, match=r"site 0 \(6 channels, fully connected\) has one; use layer or group"):
        mlp(6, norm="instance")


def test_every_model_of_the_spec_is_registered_and_another_is_refused() -> None:
    assert set(MODELS) == {"vgg", "mlp", "deep_linear", "resnet", "transformer"}
    stranger = VggSpec.model_construct(name="vg", widths=(4,))
    with pytest.raises(InputError) as error:
        build_model(stranger, "none", DIGITS, 10, noise_seed=0)
    assert str(error.value) == (
        "model.name: given 'vg'; allowed: deep_linear, mlp, package.module:callable, resnet, torchvision/NAME, "
        "transformer, vgg; "
        "did you mean 'vgg'?"
    )
