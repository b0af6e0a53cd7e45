"""The ICS probe against one full pass per layer: bit for bit, against the oracle, and by finite differences."""

import math
from dataclasses import replace

import pytest
import torch

from bnsweep.models import stages
from bnsweep.probes.ics import Ics, difference, shifted_gradients, weight_name
from tests import reference
from tests.probes.steps import MODEL_NORMS, Trial, third_step


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("model", "norm"), MODEL_NORMS)
def test_suffix_passes_give_the_bits_of_full_passes(model: str, norm: str, dtype: torch.dtype, optimizer: str) -> None:
    ctx = third_step(model, norm, optimizer, dtype)
    full = list(reference.shifted_gradients(ctx.model, ctx.params_before, ctx.params_after, ctx.x, ctx.y, ctx.loss_fn))
    for (name, _), (G, _) in zip(stages(ctx.model), full, strict=True):
        assert torch.equal(ctx.grads[weight_name(name)], G)
    for shifted, (G, oracle) in zip(shifted_gradients(ctx), full[1:], strict=True):
        assert torch.equal(shifted, oracle)
        assert not torch.equal(shifted, G)


@pytest.mark.parametrize(("model", "norm"), MODEL_NORMS)
def test_rows_equal_the_oracle(model: str, norm: str) -> None:
    ctx = third_step(model, norm)
    oracle = [
        reference.ics(G, shifted)
        for G, shifted in reference.shifted_gradients(
            ctx.model, ctx.params_before, ctx.params_after, ctx.x, ctx.y, ctx.loss_fn
        )
    ]
    rows = Ics()(ctx)
    assert [(row["step"], row["layer"], row["layer_name"]) for row in rows] == [
        (2, i, name) for i, (name, _) in enumerate(stages(ctx.model))
    ]
    for row, (l2, cosine, grad_norm) in zip(rows, oracle, strict=True):
        assert row["ics_l2"] == pytest.approx(l2, rel=1e-10)
        assert row["ics_cos"] == pytest.approx(cosine, rel=1e-10)
        assert row["grad_norm"] == pytest.approx(grad_norm, rel=1e-10)


@pytest.mark.parametrize(("model", "norm"), MODEL_NORMS)
def test_the_first_layer_has_no_shift_by_definition(model: str, norm: str) -> None:
    row = Ics()(third_step(model, norm, dtype=torch.float32))[0]
    assert (row["layer"], row["ics_l2"], row["ics_cos"]) == (0, 0.0, 1.0)


@pytest.mark.parametrize(("model", "norm"), [("vgg", "batch"), ("vgg", "none"), ("mlp", "noisy_batch"), ("mlp", "l1")])
def test_shifted_gradients_are_slopes_of_the_mixed_models_loss(model: str, norm: str) -> None:
    ctx = third_step(model, norm)
    names = [name for name, _ in stages(ctx.model)]
    for i, shifted in enumerate(shifted_gradients(ctx), start=1):
        key, entry = weight_name(names[i]), (0,) * shifted.ndim
        earlier = tuple(f"stages.{name}." for name in names[:i])
        mixed = {k: (ctx.params_after if k.startswith(earlier) else ctx.params_before)[k] for k in ctx.params_before}
        losses = []
        for h in (1e-6, -1e-6):
            moved = mixed[key].clone()
            moved[entry] += h
            copy = reference.with_parameters(ctx.model, {**mixed, key: moved})
            losses.append(ctx.loss_fn(copy(ctx.x), ctx.y).item())
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(shifted[entry].item(), rel=1e-5, abs=1e-8)


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


def test_orthogonal_opposite_and_missing_gradients() -> None:
    a, b, zero = (torch.tensor(v, dtype=torch.float64) for v in ([3.0, 0.0], [0.0, 4.0], [0.0, 0.0]))
    assert difference(a, b) == (5.0, 0.0)
    assert difference(a, -a) == (6.0, -1.0)
    l2, cosine = difference(a, zero)
    assert l2 == 3.0
    assert math.isnan(cosine)


def test_what_overflows_is_stored_as_it_is() -> None:
    ctx = Trial("mlp", "none", dtype=torch.float32).take_step()
    rows = Ics()(replace(ctx, params_after={name: w * 1e30 for name, w in ctx.params_after.items()}))
    assert (rows[0]["ics_l2"], rows[0]["ics_cos"]) == (0.0, 1.0)
    assert not math.isfinite(rows[-1]["ics_l2"])
    assert all(isinstance(row["ics_l2"], float) for row in rows)
