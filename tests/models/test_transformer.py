"""The transformer against PyTorch's own encoder layer, and its tokens against a loop over the patches."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import nn

from bnsweep.errors import InputError
from bnsweep.models import StagedModel, build_model, layers, norm_sites
from bnsweep.models.branches import AttentionBranch, MlpBranch
from bnsweep.models.network import Network
from bnsweep.norm import NORMS
from bnsweep.spec import TransformerSpec
from bnsweep.training.initialization import INITS, initialize

DIGITS = (1, 8, 8)
POSITIONS = ("pre", "post")


def network(norm: str = "layer", input_shape=DIGITS, **fields) -> Network:
    return build_model(TransformerSpec(name="transformer", **fields), norm, input_shape, 10, noise_seed=7)


def drawn(**fields) -> StagedModel:
    """In float64, with weights, gains and biases of all kinds."""
    model = network(**fields).model.double()
    for i, parameter in enumerate(model.parameters()):
        nn.init.normal_(parameter, 0.3, 0.3, generator=torch.Generator().manual_seed(i))
    return model


def images(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def torchs(attention: AttentionBranch, mlp: MlpBranch, width: int, is_pre: bool) -> nn.TransformerEncoderLayer:
    """PyTorch's encoder layer with these weights."""
    layer = nn.TransformerEncoderLayer(width, attention.heads, 4 * width, 0.0, "gelu", 1e-5, True, is_pre).double()
    given = {
        "self_attn.in_proj": attention.qkv,
        "self_attn.out_proj": attention.out,
        "linear1": mlp.hidden,
        "linear2": mlp.out,
        "norm1": attention.norm.norm,
        "norm2": mlp.norm.norm,
    }
    for name, module in given.items():
        join = "_" if name.endswith("in_proj") else "."
        for part in ("weight", "bias"):
            layer.get_parameter(f"{name}{join}{part}").data.copy_(getattr(module, part))
    return layer


@pytest.mark.parametrize("norm_position", POSITIONS)
def test_a_block_is_pytorchs_encoder_layer(norm_position: str) -> None:
    stages = drawn(width=12, heads=3, norm_position=norm_position).stages
    x = images(2, 16, 12)
    theirs = torchs(stages.attention1, stages.mlp1, 12, norm_position == "pre")
    ours = stages.mlp1(stages.attention1(x))
    torch.testing.assert_close(ours, theirs(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 4)])
@pytest.mark.parametrize("norm_position", POSITIONS)
def test_the_forward_is_patches_blocks_and_the_mean_over_tokens(shape: tuple[int, ...], norm_position: str) -> None:
    model = drawn(input_shape=shape, width=10, heads=2, norm_position=norm_position)
    x, stages = images(3, *shape), model.stages
    patch, found = stages.patches.layer, []
    for row in range(0, shape[1], 2):
        for column in range(0, shape[2], 2):
            pixels = x[:, :, row : row + 2, column : column + 2].flatten(1)
            found.append(F.linear(pixels, patch.weight.flatten(1), patch.bias) + place(row // 2, column // 2, 10))
    tokens = torch.stack(found, dim=1)
    for block in (0, 1):
        for kind in ("attention", "mlp"):
            tokens = stages.get_submodule(f"{kind}{block}")(tokens)
    if norm_position == "pre":
        gain = stages.linear.before[0].norm
        tokens = F.layer_norm(tokens, (10,), gain.weight, gain.bias)
    head = stages.linear.layer
    torch.testing.assert_close(model(x), F.linear(tokens.mean(1), head.weight, head.bias), rtol=1e-9, atol=1e-9)


def place(row: int, column: int, width: int) -> torch.Tensor:
    """What is added to a token: sines and cosines of its column, then of its row; the last ones are cut off."""
    quarter = math.ceil(width / 4)
    waves = [10_000 ** -(k / (quarter - 1)) for k in range(quarter)]
    values = [wave(at * w) for at in (column, row) for wave in (math.sin, math.cos) for w in waves]
    return torch.tensor(values[:width], dtype=torch.float64)


def test_qk_norm_normalizes_the_queries_and_keys_of_each_head() -> None:
    branch = drawn(width=12, heads=3, qk_norm=True).stages.attention0
    x = images(2, 5, 12)
    q, k, v = F.linear(branch.norm(x), branch.qkv.weight, branch.qkv.bias).chunk(3, dim=2)
    heads = []
    for h in range(3):
        part = slice(4 * h, 4 * h + 4)
        queries = F.layer_norm(q[..., part], (4,), branch.query_norm.weight)
        keys = F.layer_norm(k[..., part], (4,), branch.key_norm.weight)
        heads.append(torch.softmax(queries @ keys.mT / 2.0, dim=-1) @ v[..., part])
    expected = x + F.linear(torch.cat(heads, dim=2), branch.out.weight, branch.out.bias)
    torch.testing.assert_close(branch(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("norm_position", POSITIONS)
def test_layers_and_sites_are_numbered_in_the_order_of_the_forward(norm_position: str) -> None:
    net = network("noisy_batch", depth=1, norm_position=norm_position)
    names = ["patches", "attention0.qkv", "attention0.out", "mlp0.hidden", "mlp0.out", "linear"]
    assert [name for name, _ in layers(net)] == names
    before = {"pre": ["patches", "attention0.out", "mlp0.out"], "post": ["attention0.out", "mlp0.out"]}
    assert [name for _, name, _ in norm_sites(net)] == before[norm_position]
    assert [norm.site.index for _, _, norm in norm_sites(net)] == list(range(len(before[norm_position])))
    assert {norm.site.noise_seed for _, _, norm in norm_sites(net)} == {7}


@pytest.mark.parametrize("norm", [norm for norm in NORMS if norm != "instance"])
def test_layers_have_the_same_weights_and_biases_in_every_mode(norm: str) -> None:
    plain, found = (
        {name: (layer.weight.shape, layer.bias.shape) for name, layer in layers(network(mode))}
        for mode in ("none", norm)
    )
    assert found == plain
    assert found["attention1.qkv"] == ((96, 32), (96,))


@pytest.mark.parametrize("init", INITS)
def test_every_initializer_fills_every_layer(init: str) -> None:
    net = network(qk_norm=True)
    initialize(net, init, 1.0, seed=0)
    assert all(layer.weight.std() > 0.01 for _, layer in layers(net))
    assert torch.isfinite(net.model(images(2, *DIGITS).float())).all()


def test_building_leaves_the_global_random_stream_alone() -> None:
    before = torch.get_rng_state()
    network(qk_norm=True)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("patch", "shape"), [(3, (1, 8, 8)), (4, (3, 8, 6)), (16, (1, 8, 8))])
def test_patches_that_do_not_divide_the_image_are_refused(patch: int, shape: tuple[int, int, int]) -> None:
    with pytest.raises(InputError) as error:
        network(patch=patch, input_shape=shape)
    assert str(error.value) == (
        f"model.patch: {patch} does not divide a {shape[1]}x{shape[2]} input; give a divisor of both sides"
    )


def test_one_token_is_fine_and_instance_would_leave_nothing_of_their_mean() -> None:
    network(patch=8)
    with pytest.raises(InputError, match=r"norm: instance normalization takes a feature's mean over the tokens away"):
        network("instance")


def test_two_features_would_be_left_as_signs() -> None:
    with pytest.raises(InputError, match=r"^model\.qk_norm: .* heads 16 of width 32 have two each, which become \+1"):
        network(width=32, heads=16, qk_norm=True)
    for norm in ("group", "weight_standardization"):
        with pytest.raises(InputError, match=rf"^norm: {norm} normalization needs more than two values per group"):
            network(norm, width=16)
        network(norm, width=32)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"heads": 5}, r"heads 5 does not divide width 32"),
        ({"heads": 32, "qk_norm": True}, r"qk_norm normalizes over the features of a head, and heads 32 of width 32"),
        ({"norm_position": "middle"}, r"'pre' or 'post'"),
        ({"patch": 0}, r"greater than 0"),
    ],
)
def test_fields_that_cannot_be_are_refused(fields, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TransformerSpec(name="transformer", **fields)
