"""The moments probe against a forward written with the reference normalizations and loops."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bnsweep.norm import set_step
from bnsweep.norm.noise import algorithm1_noise, noise_generator
from bnsweep.probes import StepContext
from bnsweep.probes.ics import Ics
from bnsweep.probes.layers import Layers
from bnsweep.probes.moments import Moments, unit_moments
from bnsweep.spec import CustomSpec
from tests import reference
from tests.probes.tiny_trials import (
    BLOCK_NORMS,
    EDGE_CASE_MODELS,
    EDGE_CASE_NORMS,
    MODEL_NORMS,
    SEED,
    TinyTrial,
    third_step,
)
from tests.reads import Reads


@pytest.mark.parametrize("probe", [Moments, Ics, Layers])
def test_no_site_and_no_layer_is_waited_for(probe: type[Moments | Ics | Layers]) -> None:
    ctx, measure = third_step("vgg", "batch"), probe()
    measure(ctx)
    with Reads() as reads:
        assert torch.ones(()).item() == reads.count
        measure(ctx)
    assert reads.count == 1


def around_the_norms(ctx: StepContext, norm: str) -> list[dict[str, Tensor]]:
    """What enters each normalization at W^t (`pre_`), and what leaves it by the oracle (no prefix)."""
    model = reference.with_parameters(ctx.model, ctx.params_before)
    found, x = [], ctx.x
    for i, stage in enumerate(model.stages[:-1]):
        entering = stage.layer(stage.before(x)).detach()
        a = reference.normalize(norm, entering, *(stage.norm.alpha.tolist() if norm == "dyt" else ()))
        if norm not in ("none", "weight"):
            affine = stage.norm.batch if norm == "noisy_batch" else stage.norm
            weight, bias = affine.weight, affine.bias
            view = (1, -1, *(1 for _ in a.shape[2:]))
            a = a * weight.detach().view(view) + bias.detach().view(view)
        if norm == "noisy_batch":
            a = reference.noisy(a, *algorithm1_noise(noise_generator(SEED, i, ctx.step, a.device), a.shape, a.dtype))
        found.append({"pre_": entering, "": a})
        x = stage.after(a)
    return found


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


@pytest.mark.parametrize(("model", "norm"), MODEL_NORMS)
def test_rows_equal_the_oracle_over_two_measurements(model: str, norm: str) -> None:
    probe = Moments()
    first, _, third = TinyTrial(model, norm).steps(3)
    before, now = around_the_norms(first, norm), around_the_norms(third, norm)
    first_rows, rows = measure(probe, first), measure(probe, third)
    *names, _ = dict(third.model.stages.named_children())
    assert [(row["step"], row["layer"], row["layer_name"]) for row in rows] == [
        (2, i, name) for i, name in enumerate(names)
    ]
    assert all(row["mean_shift"] is None and row["std_shift"] is None for row in first_rows)
    for row, here, there, prefix in (
        (*found, prefix) for found in zip(rows, now, before, strict=True) for prefix in ("pre_", "")
    ):
        means, stds = zip(*reference.channel_moments(here[prefix]), strict=True)
        old_means, old_stds = zip(*reference.channel_moments(there[prefix]), strict=True)
        assert row[f"{prefix}mean"] == pytest.approx(mean(means), rel=1e-10, abs=1e-13)
        assert row[f"{prefix}std"] == pytest.approx(mean(stds), rel=1e-10)
        assert row[f"{prefix}mean_shift"] == pytest.approx(reference.rms_change(means, old_means), rel=1e-10)
        assert row[f"{prefix}std_shift"] == pytest.approx(reference.rms_change(stds, old_stds), rel=1e-10)


def measure(probe: Moments, ctx: StepContext) -> list[dict]:
    """Measure with the model at the context's step, as it is in a trial."""
    set_step(ctx.model, ctx.step)
    return probe(ctx)


def test_batch_normalization_shows_its_shift_and_gain() -> None:
    ctx = TinyTrial("vgg", "batch").take_step()
    params = dict(ctx.params_before)
    params["stages.conv1.norm.weight"] = torch.full((6,), 3.0, dtype=torch.float64)
    params["stages.conv1.norm.bias"] = torch.full((6,), -2.0, dtype=torch.float64)
    row = Moments()(replace(ctx, params_before=params))[1]
    assert row["mean"] == pytest.approx(-2.0, abs=1e-12)
    assert row["std"] == pytest.approx(3.0, rel=1e-3)


def test_shifts_count_from_the_measurement_before_and_not_from_the_first() -> None:
    ctx = TinyTrial("mlp", "none").take_step()
    moved = replace(ctx, params_before={name: w * 2 for name, w in ctx.params_before.items()})
    probe = Moments()
    first, second, third = probe(ctx)[0], probe(moved)[0], probe(moved)[0]
    assert (first["mean_shift"], third["mean_shift"], third["std_shift"]) == (None, 0.0, 0.0)
    assert second["std_shift"] > 0


def test_each_trial_starts_without_a_past() -> None:
    ctx = TinyTrial("mlp", "none").take_step()
    used = Moments()
    used(ctx)
    assert [row["mean_shift"] for row in used(ctx)] == [0.0, 0.0]
    assert [row["mean_shift"] for row in Moments()(ctx)] == [None, None]


def test_what_overflows_is_stored_as_it_is() -> None:
    ctx = TinyTrial("mlp", "none", dtype=torch.float32).take_step()
    probe = Moments()
    probe(ctx)
    rows = probe(replace(ctx, params_before={name: w * 1e30 for name, w in ctx.params_before.items()}))
    assert not math.isfinite(rows[-1]["mean_shift"])
    assert all(isinstance(row["std_shift"], float) for row in rows)


@pytest.mark.parametrize(("model", "norm"), BLOCK_NORMS + EDGE_CASE_NORMS)
def test_rows_are_those_of_the_steps_own_forward(model: str, norm: str) -> None:
    """Behind dropout, with what comes after a site writing over it, and with a site that is never called."""
    ctx = third_step(model, norm)
    rows = Moments()(ctx)
    seen = reference.around_sites(ctx.model, ctx.params_before, ctx.x, ctx.rng_state)
    for row, around in zip(rows, seen, strict=True):
        for prefix, activation in zip(("pre_", ""), around, strict=True):
            means, stds = zip(*reference.channel_moments(activation), strict=True)
            assert row[f"{prefix}mean"] == pytest.approx(mean(means), rel=1e-10, abs=1e-13)
            assert row[f"{prefix}std"] == pytest.approx(mean(stds), rel=1e-10)


def test_what_writes_in_place_changes_no_row() -> None:
    contexts = [
        TinyTrial(
            CustomSpec(name=f"{EDGE_CASE_MODELS}in_place", inplace=inplace), "none", dtype=torch.float32
        ).take_step()
        for inplace in (True, False)
    ]
    assert Moments()(contexts[0]) == Moments()(contexts[1])


def test_a_site_that_is_not_called_has_no_row_and_no_shift() -> None:
    probe = Moments()
    first, _, third = TinyTrial("unused", "batch").steps(3)
    for ctx in (first, third):
        assert [(row["layer"], row["layer_name"]) for row in probe(ctx)] == [(0, "a")]


@pytest.mark.parametrize("shape", [(64, 4), (3, 5), (7, 3, 40, 50), (1, 300, 40, 40)])
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_a_units_moments_are_taken_in_float64(shape: tuple[int, ...], scale: float) -> None:
    a = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * scale + 3 * scale
    found, dims = unit_moments(a), (0, *range(2, len(shape)))
    torch.testing.assert_close(found.mean / scale, a.double().mean(dims) / scale, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found.std / scale, a.double().std(dims, correction=0) / scale, rtol=1e-12, atol=1e-12)
