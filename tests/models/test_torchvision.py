"""torchvision's models: with their own mode they are theirs, to rounding; with another they have its sites."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig, ConvNeXt, LayerNorm2d
from torchvision.models.vision_transformer import VisionTransformer

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.models import Network, build_model, layers, norm_sites
from bnsweep.models.sites import Sites
from bnsweep.models.torchvision import NORMS, replace_norms, surveyed
from bnsweep.spec import DigitsSpec, TorchvisionModelSpec, TrialSpec
from bnsweep.training.loop import run_trial
from bnsweep.training.trying import try_model

RGB = (3, 32, 32)
SMALL = TorchvisionModelSpec(name="torchvision/shufflenet_v2_x0_5")


def network(name: str, norm: str = "batch", input_shape=RGB) -> Network:
    return build_model(TorchvisionModelSpec(name=f"torchvision/{name}"), norm, input_shape, 10, noise_seed=3)


def images(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "resnet18"])
def test_with_batch_a_model_of_batch_normalizations_is_torchvisions(name: str) -> None:
    ours, theirs = network(name).model.double(), models.get_model(name, weights=None, num_classes=10).double()
    theirs.load_state_dict(ours.state_dict(), strict=False)  # counters of batches apart
    assert theirs.state_dict().keys() == ours.state_dict().keys()
    x = images(4, *RGB)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


SMALL_ONES: dict[str, Callable[[], nn.Module]] = {
    "vit": lambda: VisionTransformer(8, 4, 2, 3, 12, 16, num_classes=5, norm_layer=partial(nn.LayerNorm, eps=1e-5)),
    "convnext": lambda: ConvNeXt(
        [CNBlockConfig(4, 8, 1), CNBlockConfig(8, None, 1)],
        num_classes=5,
        norm_layer=partial(LayerNorm2d, eps=1e-5),
        block=None,
    ),
}


@pytest.mark.parametrize("kind", SMALL_ONES)
def test_with_layer_a_model_of_layer_normalizations_is_torchvisions(kind: str) -> None:
    theirs, shape = SMALL_ONES[kind](), (3, 8, 8)
    for i, w in enumerate(theirs.parameters()):
        nn.init.normal_(w, 0.2, 0.3, generator=torch.Generator().manual_seed(i))
    ours = copy.deepcopy(theirs)
    replace_norms(ours, surveyed(ours, SMALL, shape), Sites("layer", 0))
    for path, norm in theirs.named_modules():
        if isinstance(norm, NORMS):
            site = ours.get_submodule(path).norm
            site.load_state_dict(norm.state_dict())
            site.eps = norm.eps
    assert not any(isinstance(module, NORMS) for module in ours.modules())
    x = images(4, *shape)
    torch.testing.assert_close(ours.double()(x), theirs.double()(x), rtol=1e-9, atol=1e-9)


def test_sites_and_layers_are_in_the_order_of_the_forward_and_know_their_maps() -> None:
    net = network("resnet18", "noisy_batch")
    sites = [norm.site for _, _, norm in norm_sites(net)]
    assert [site.index for site in sites] == list(range(20))
    assert [(site.channels, site.spatial) for site in sites[:2]] == [(64, (16, 16)), (64, (8, 8))]
    names = [name for name, _ in layers(net)]
    assert names[:3] == ["conv1", "layer1.0.conv1", "layer1.0.conv2"]
    assert names.index("layer2.0.downsample.0") == names.index("layer2.0.conv2") + 1
    assert names[-1] == "fc"


def test_none_leaves_no_normalization() -> None:
    assert not any(isinstance(module, NORMS) for module in network("shufflenet_v2_x0_5", "none").model.modules())


def test_what_torchvision_draws_depends_on_the_seed_alone() -> None:
    before = torch.get_rng_state()
    one, other = (network("shufflenet_v2_x0_5", norm).model for norm in ("batch", "layer"))
    assert torch.equal(one.conv1[0].weight, other.conv1[0].weight)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("channels", [1, 4])
def test_the_first_convolution_takes_the_channels_that_there_are(channels: int) -> None:
    model = network("shufflenet_v2_x0_5", "layer", (channels, 16, 16)).model
    assert model(torch.zeros(2, channels, 16, 16)).shape == (2, 10)
    assert model.conv1[0].weight.shape == (24, channels, 3, 3)


@pytest.mark.parametrize(
    ("name", "norm", "shape", "message"),
    [
        (
            "squeezenet1_1",
            "batch",
            RGB,
            r"squeezenet1_1 has no normalization that batch could take the place of",
        ),
        (
            "squeezenet1_1",
            "none",
            (3, 8, 8),
            r"squeezenet1_1 cannot work on images of 8x8 pixels: Given input",
        ),
        (
            "vit_b_16",
            "layer",
            (3, 32, 48),
            r"vit_b_16 cannot work on images of 32x48 pixels: it takes squares whose side is",
        ),
        ("vit_b_32", "layer", (3, 8, 8), r"of 8x8 pixels: it takes squares whose side is a multiple of 32 pixels"),
        ("maxvit_t", "layer", RGB, r"maxvit_t cannot work on images of 32x32 pixels: .*partition size"),
        ("shufflenet_v2_x0_5", "instance", RGB, r"norm: instance normalization needs more than two positions"),
        ("densenet121", "weight", RGB, r"norm: weight normalizes the weight of the layer before each site, and feat"),
    ],
)
def test_what_cannot_work_is_refused(name: str, norm: str, shape: tuple[int, int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        network(name, norm, shape)


def test_models_with_auxiliary_heads_give_logits_alone() -> None:
    assert network("googlenet", "batch").model(torch.zeros(2, *RGB)).shape == (2, 10)


def test_a_trial_with_probes_has_the_bits_of_one_without() -> None:
    """With dropout, whose masks are the step's own."""
    data, results = load_dataset(DigitsSpec(name="digits")), []
    for probes in ({}, {"landscape": {"every": 1}, "moments": {"every": 1}, "layers": {"every": 1}}):
        fields = {"model": {"name": "torchvision/mobilenet_v3_small"}, "dataset": {"name": "digits"}, "norm": "batch"}
        train = {"steps": 2, "batch_size": 8}
        results.append(run_trial(TrialSpec.model_validate(fields | {"train": train, "probes": probes}), data))
    bare, probed = results
    assert repr(bare.tables["curves"]) == repr(probed.tables["curves"])
    assert len(probed.tables["moments"]) == 2 * 34


def test_a_model_is_tried_before_the_start() -> None:
    fields = {"model": SMALL.model_dump(), "dataset": {"name": "digits"}, "norm": "layer"}
    probes = {"landscape": {"every": 1}, "moments": {"every": 1}}
    try_model(TrialSpec.model_validate(fields | {"probes": probes}), load_dataset(DigitsSpec(name="digits")))
