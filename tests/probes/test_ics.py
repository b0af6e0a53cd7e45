"""The ICS probe against one full pass per layer: bit for bit, against the oracle, and by finite differences."""

import math
import pickle
from dataclasses import replace

import pytest
import torch

from bnsweep.models import layers, split
from bnsweep.probes import StepContext
from bnsweep.probes.context import evaluate
from bnsweep.probes.ics import BLOCK, Ics, gradient_shift, shifted_gradients
from bnsweep.probes.moments import Moments
from bnsweep.spec import CustomSpec
from tests import reference
from tests.probes.tiny_trials import BLOCK_NORMS, EDGE_CASE_MODELS, EDGE_CASE_NORMS, MODEL_NORMS, TinyTrial, third_step

MORE = [(model, norm) for model in ("resnet14", "tied") for norm in ("none", "batch", "noisy_batch")]
EDGES = [(model, norm) for model, norm in EDGE_CASE_NORMS if model not in ("reordered", "attending")]
"""Those whose layers the oracle finds in the order of registration."""
HOW = [(dtype, optimizer) for dtype in (torch.float32, torch.float64) for optimizer in ("sgd", "adam")]
IN_TURN = [
    (model, norm, *HOW[number % len(HOW)])
    for number, (model, norm) in enumerate(MODEL_NORMS + BLOCK_NORMS + MORE + EDGES)
]
"""Every model x norm, the precisions and optimizers in turn."""


def full_passes(ctx: StepContext) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """G and G' of every layer, each from a full pass of a copy of the model."""
    step = ctx.params_before, ctx.params_after, ctx.x, ctx.y, ctx.loss_fn, ctx.rng_state
    return list(reference.shifted_gradients(ctx.model, *step))


@pytest.mark.parametrize(("model", "norm", "dtype", "optimizer"), IN_TURN)
def test_suffix_passes_give_the_bits_of_full_passes(model: str, norm: str, dtype: torch.dtype, optimizer: str) -> None:
    ctx = third_step(model, norm, optimizer, dtype)
    full = full_passes(ctx)
    for layer, (G, _) in zip(split(ctx.network).layers, full, strict=True):
        assert torch.equal(torch.cat([ctx.grads[name].flatten() for name in layer.weights]), G.flatten())
    for shifted, (G, oracle) in zip(shifted_gradients(ctx), full[1:], strict=True):
        assert torch.equal(shifted, oracle)
        assert not G.any() or not torch.equal(shifted, G)


@pytest.mark.parametrize("model", ["chain", "branches"])
def test_the_steps_own_dropout_masks_are_used(model: str) -> None:
    ctx = third_step(model, "batch", dtype=torch.float32)
    assert ctx.loss_fn(ctx.forward(ctx.params_before), ctx.y).item() == ctx.loss
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        others = evaluate(ctx.model, ctx.params_before, ctx.buffers, ctx.x)
    assert ctx.loss_fn(others, ctx.y).item() != ctx.loss


@pytest.mark.parametrize(("model", "chains"), [("vgg", True), ("resnet", True), ("chain", True), ("branches", False)])
def test_the_first_stages_are_left_out_where_a_chain_is_known(model: str, chains: bool) -> None:
    ctx = third_step(model, "batch")
    calls: list[object] = []
    first = layers(ctx.network)[0][1]
    first.register_forward_hook(lambda *call: calls.append(call))
    rows = Ics()(ctx)
    assert (split(ctx.network).obstacle is None) == chains
    assert len(calls) == (1 if chains else len(rows) - 1)


def test_a_chain_of_single_layers_costs_one_suffix_per_layer_and_the_prefix_once() -> None:
    ctx = third_step("vgg", "batch")
    calls: list[str] = []
    for name, layer in layers(ctx.network):
        layer.register_forward_hook(lambda *_, name=name: calls.append(name))
    Ics()(ctx)
    names = [name for name, _ in layers(ctx.network)]
    assert {name: calls.count(name) for name in names} == {"conv0": 1, "conv1": 2, "conv2": 3, "linear": 3}


def test_a_layer_that_the_loss_does_not_depend_on_has_no_gradient_and_no_shift() -> None:
    ctx = third_step("branches", "none")
    unused = torch.nn.Linear(2, 2).double()
    ctx.model.unused = unused
    extra = {f"unused.{name}": parameter.detach() for name, parameter in unused.named_parameters()}
    zeros = {name: torch.zeros_like(w) for name, w in extra.items()}
    wider = replace(
        ctx,
        params_before={**ctx.params_before, **extra},
        params_after={**ctx.params_after, **extra},
        grads={**ctx.grads, **zeros},
    )
    *rows, last = Ics()(wider)
    assert rows == Ics()(replace(ctx, network=TinyTrial("branches", "none").network))
    assert (last["layer_name"], last["ics_l2"], last["grad_norm"]) == ("unused", 0.0, 0.0)
    assert math.isnan(last["ics_cos"])


@pytest.mark.parametrize(("model", "norm"), MODEL_NORMS + BLOCK_NORMS)
def test_rows_equal_the_oracle(model: str, norm: str) -> None:
    ctx = third_step(model, norm)
    oracle = [reference.ics(G, shifted) for G, shifted in full_passes(ctx)]
    rows = Ics()(ctx)
    assert [(row["step"], row["layer"], row["layer_name"]) for row in rows] == [
        (2, i, name) for i, (name, _) in enumerate(layers(ctx.network))
    ]
    for row, (l2, cosine, grad_norm) in zip(rows, oracle, strict=True):
        assert row["ics_l2"] == pytest.approx(l2, rel=1e-10)
        assert row["ics_cos"] == pytest.approx(cosine, rel=1e-10)
        assert row["grad_norm"] == pytest.approx(grad_norm, rel=1e-10)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch", "weight"])
def test_layers_count_in_the_order_of_the_forward_however_they_are_registered(norm: str, optimizer: str) -> None:
    found = []
    for registered in ("backwards", "forwards"):
        model = CustomSpec(name=f"{EDGE_CASE_MODELS}reordered", registered=registered)
        *_, ctx = TinyTrial(model, norm, optimizer).steps(3)
        found.append((Ics()(ctx), Moments()(ctx)))
    assert found[0] == found[1]
    assert [row["layer_name"] for row in found[0][0]] == ["a", "b", "head"]
    assert [row["layer_name"] for row in found[0][1]] == ["a", "b"]


@pytest.mark.parametrize(("model", "norm"), MODEL_NORMS)
def test_the_first_layer_has_no_shift_by_definition(model: str, norm: str) -> None:
    row = Ics()(third_step(model, norm, dtype=torch.float32))[0]
    assert (row["layer"], row["ics_l2"], row["ics_cos"]) == (0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("model", "norm"),
    [
        ("vgg", "batch"),
        ("vgg", "none"),
        ("vgg", "weight"),
        ("mlp", "noisy_batch"),
        ("mlp", "l1"),
        ("deep_linear", "batch"),
        ("resnet", "batch"),
        ("resnet", "weight"),
    ],
)
def test_shifted_gradients_are_slopes_of_the_mixed_models_loss(model: str, norm: str) -> None:
    ctx = third_step(model, norm)
    chain = split(ctx.network).layers
    for i, shifted in enumerate(shifted_gradients(ctx), start=1):
        key = chain[i].weights[0]
        entry = (0,) * ctx.params_before[key].ndim
        earlier = {name for layer in chain[:i] for name in layer.parameters}
        mixed = {k: (ctx.params_after if k in earlier else ctx.params_before)[k] for k in ctx.params_before}
        losses = []
        for h in (1e-6, -1e-6):
            moved = mixed[key].clone()
            moved[entry] += h
            copy = reference.with_parameters(ctx.model, {**mixed, key: moved})
            losses.append(ctx.loss_fn(copy(ctx.x), ctx.y).item())
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(shifted.flatten()[0].item(), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("norm", ["none", "batch", "rms"])
def test_no_update_no_shift(norm: str) -> None:
    ctx = third_step("vgg", norm, dtype=torch.float32)
    for row in Ics()(replace(ctx, params_after=ctx.params_before)):
        assert row["ics_l2"] == 0.0
        assert row["ics_cos"] == pytest.approx(1.0, abs=1e-12)


def test_only_earlier_layers_updates_count() -> None:
    ctx = third_step("vgg", "batch")
    last = {name: after for name, after in ctx.params_after.items() if name.startswith("stages.linear.")}
    rows = Ics()(replace(ctx, params_after={**ctx.params_before, **last}))
    assert [row["ics_l2"] for row in rows] == [0.0] * 4
    first = {name: after for name, after in ctx.params_after.items() if name.startswith("stages.conv0.")}
    rows = Ics()(replace(ctx, params_after={**ctx.params_before, **first}))
    assert all(row["ics_l2"] > 0 for row in rows[1:])


def test_bias_and_normalization_parameters_move_with_their_layer() -> None:
    ctx = third_step("vgg", "none")
    moved = {**ctx.params_before, "stages.conv0.layer.bias": ctx.params_before["stages.conv0.layer.bias"] + 1}
    assert all(row["ics_l2"] > 0 for row in Ics()(replace(ctx, params_after=moved))[1:])
    ctx = third_step("vgg", "batch")
    moved = {**ctx.params_before, "stages.conv1.norm.weight": ctx.params_before["stages.conv1.norm.weight"] + 1}
    shifts = [row["ics_l2"] for row in Ics()(replace(ctx, params_after=moved))]
    assert shifts[:2] == [0.0, 0.0]
    assert min(shifts[2:]) > 0


def test_the_length_and_the_direction_of_a_normalized_weight_make_one_gradient() -> None:
    ctx = third_step("vgg", "weight")
    view = split(ctx.network).layers[1]
    assert [name.removeprefix("stages.conv1.layer.parametrizations.weight.") for name in view.weights] == [
        "original0",
        "original1",
    ]
    g, v = (ctx.grads[name] for name in view.weights)
    assert Ics()(ctx)[1]["grad_norm"] == pytest.approx(math.sqrt((g.square().sum() + v.square().sum()).item()))


def test_a_saved_probe_holds_no_model() -> None:
    probe = Ics()
    rows = probe(third_step("vgg", "weight"))
    again = pickle.loads(pickle.dumps(probe))
    assert again == Ics()
    assert again(third_step("vgg", "weight")) == rows


def test_orthogonal_opposite_and_missing_gradients() -> None:
    a, b, zero = (torch.tensor(v, dtype=torch.float64) for v in ([3.0, 0.0], [0.0, 4.0], [0.0, 0.0]))
    assert gradient_shift(a, b)[0].tolist() == [5.0, 0.0, 3.0]
    assert gradient_shift(a, -a)[0].tolist() == [6.0, -1.0, 3.0]
    l2, cosine, grad_norm = gradient_shift(a, zero)[0].tolist()
    assert (l2, grad_norm) == (3.0, 3.0)
    assert math.isnan(cosine)


def test_gradients_of_many_blocks_are_compared_in_float64() -> None:
    generator = torch.Generator().manual_seed(0)
    G = torch.randn((3, BLOCK - 5), generator=generator) * 1e25
    shifted = G + torch.randn(G.shape, generator=generator) * 1e22
    assert gradient_shift(G, shifted)[0].tolist() == pytest.approx(reference.ics(G, shifted), rel=1e-10)


def test_what_overflows_is_stored_as_it_is() -> None:
    ctx = TinyTrial("mlp", "none", dtype=torch.float32).take_step()
    rows = Ics()(replace(ctx, params_after={name: w * 1e30 for name, w in ctx.params_after.items()}))
    assert (rows[0]["ics_l2"], rows[0]["ics_cos"]) == (0.0, 1.0)
    assert not math.isfinite(rows[-1]["ics_l2"])
    assert all(isinstance(row["ics_l2"], float) for row in rows)
