"""ICS of a net does not depend on how its user put it together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bnsweep.models import split
from bnsweep.probes import StepContext
from bnsweep.probes.ics import Ics
from bnsweep.spec import CustomSpec
from tests import reference
from tests.probes.tiny_trials import third_step
from tests.user_code.packaged_models import KINDS

PACKAGINGS = ("flat", "blocks", "module")


def third_step_of(kind: str, packaging: str, norm: str) -> StepContext:
    return third_step(CustomSpec(name="tests.user_code.packaged_models:net", kind=kind, packaging=packaging), norm)


def oracle(ctx: StepContext) -> list[tuple[float, float, float]]:
    """ICS by full passes of a model whose modules are registered in the order of its forward."""
    step = ctx.params_before, ctx.params_after, ctx.x, ctx.y, ctx.loss_fn, ctx.rng_state
    return [reference.ics(G, shifted) for G, shifted in reference.shifted_gradients(ctx.model, *step)]


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "weight"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_packaging_has_the_ics_of_the_definition(kind: str, norm: str) -> None:
    if (kind, norm) == ("tied", "weight"):
        norm = "noisy_batch"  # a shared weight cannot be normalized
    steps = {packaging: third_step_of(kind, packaging, norm) for packaging in PACKAGINGS}
    expected = oracle(steps["flat"])
    for ctx in steps.values():
        rows = Ics()(ctx)
        assert len(rows) == len(expected)
        for row, (l2, cosine, grad_norm) in zip(rows, expected, strict=True):
            assert (row["ics_l2"], row["ics_cos"]) == pytest.approx((l2, cosine), rel=1e-9, abs=1e-12)
            assert row["grad_norm"] == pytest.approx(grad_norm, rel=1e-9)
        assert rows[-1]["ics_l2"] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_packagings_are_taken_apart_differently(kind: str) -> None:
    stages = {packaging: len(split(third_step_of(kind, packaging, "batch").network).stages) for packaging in PACKAGINGS}
    assert stages["module"] == 1
    assert (stages["blocks"] == 1) == (kind == "tied")


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_a_normalization_before_a_weight_moves_before_it(packaging: str) -> None:
    """It belongs to the layer before: its update alone shifts the layer after it, and no layer before it."""
    ctx = third_step_of("before", packaging, "batch")
    owners = [layer.parameters for layer in split(ctx.network).layers]
    norms = [[name for name in names if ctx.params_before[name].shape == (5,)] for names in owners]
    assert [len(names) for names in norms] == [3, 3, 3, 0]  # each layer's bias, the next norm's gain and shift
    moved = {name: ctx.params_before[name] + 1 for name in norms[1]}
    ctx = replace(ctx, params_after={**ctx.params_before, **moved})
    shifts = [row["ics_l2"] for row in Ics()(ctx)]
    assert shifts[:2] == [0.0, 0.0]
    assert min(shifts[2:]) > 0
