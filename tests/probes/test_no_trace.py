"""A probe leaves no trace: every norm x model, the probes and optimizers in turn so that all pairs are met."""

import random
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.norm import NORMS
from bnsweep.probes import PROBES, Measure, StepContext, build_probes
from bnsweep.spec import ProbesSpec, TrialSpec
from bnsweep.training.loop import run_trial
from tests.probes.tiny_trials import BLOCK_NORMS, EDGE_CASE_NORMS, EDGE_CASES, MODEL_NORMS, TinyTrial
from tests.samples import few_digits

EVERY_STEP = ProbesSpec.model_validate({name: {"every": 1} for name in PROBES})
CASES = [
    (model, norm, optimizer)
    for norm_number, norm in enumerate(NORMS)
    for model_number, model in enumerate(
        ("vgg", "mlp", "resnet", "chain", "branches", "deep_linear", "transformer", "postnorm", "preact")
    )
    for optimizer in [("sgd", "adam")[(norm_number + model_number) % 2]]
    if (model, norm) in MODEL_NORMS + BLOCK_NORMS
]
EDGES = [(model, norm, "sgd") for model, norm in EDGE_CASE_NORMS]


def measure(name: str) -> Measure:
    """A new probe of this name."""
    return next(probe.measure for probe in build_probes(EVERY_STEP, steps=4) if probe.table == name)


def state(trial: TinyTrial, ctx: StepContext) -> Iterator[tuple[str, Any]]:
    """Everything that a probe could disturb, by name."""
    for name, parameter in trial.model.named_parameters():
        yield f"parameter {name}", parameter.detach().clone()
        yield f"version {name}", parameter._version
        yield f"requires_grad {name}", (parameter.requires_grad, parameter.is_leaf, id(parameter), id(parameter.grad))
        if parameter.grad is not None:
            yield f"grad {name}", parameter.grad.clone()
            yield f"version of grad {name}", parameter.grad._version
    for name, buffer in trial.model.named_buffers():
        yield f"buffer {name}", buffer.clone()
        yield f"identity {name}", (id(buffer), buffer._version)
    for name, module in trial.model.named_modules():
        yield f"flag {name}", (module.training, len(module._forward_hooks), len(module._backward_hooks))
        yield f"step {name}", getattr(module, "step", None)
    for index, slots in trial.optimizer.state_dict()["state"].items():
        for name, value in slots.items():
            yield f"optimizer {index} {name}", torch.as_tensor(value).clone()
    for field in fields(ctx):
        value = getattr(ctx, field.name)
        if isinstance(value, dict):
            yield from ((f"{field.name} {name}", tensor.clone()) for name, tensor in value.items())
            yield f"{field.name} requires_grad", [tensor.requires_grad for tensor in value.values()]
    yield "x", ctx.x.clone()
    yield "y", ctx.y.clone()
    yield "rng_state", ctx.rng_state.cpu.clone()
    yield "torch stream", torch.get_rng_state()
    yield "numpy stream", str(np.random.get_state())  # noqa: NPY002  the global stream is what is watched
    yield "python stream", random.getstate()
    yield "grad mode", (torch.is_grad_enabled(), torch.is_inference_mode_enabled())


OF_FEW_NORMS = ("postnorm", "preact")
PROBES_IN_TURN = [
    (name, *case)
    for place, case in enumerate(CASES)
    for number, name in enumerate(PROBES)
    if (place - number) % len(PROBES) < 2 or case[0] in OF_FEW_NORMS
]
PROBES_IN_TURN += [
    (name, *case)
    for place, case in enumerate(EDGES)
    for number, name in enumerate(PROBES)
    if (place + place // 3 - number) % 3 == 0
]


@pytest.mark.parametrize(("name", "model", "norm", "optimizer"), PROBES_IN_TURN)
def test_a_probe_changes_no_bit(name: str, model: str, norm: str, optimizer: str) -> None:
    trial = TinyTrial(model, norm, optimizer, torch.float32)
    *_, ctx = trial.steps(2)
    before = dict(state(trial, ctx))
    measure(name)(ctx)
    after = dict(state(trial, ctx))
    assert before.keys() == after.keys()
    for what, value in before.items():
        same = torch.equal(value, after[what]) if isinstance(value, torch.Tensor) else value == after[what]
        assert same, what


@pytest.mark.parametrize(("place", "model", "norm", "optimizer"), [(i, *case) for i, case in enumerate(CASES + EDGES)])
def test_a_trial_with_probes_has_the_bits_of_one_without(place: int, model: str, norm: str, optimizer: str) -> None:
    """With all probes but curvature, which takes longer than all the others, and in every fourth case with it."""
    bare, probed = (TinyTrial(model, norm, optimizer, torch.float32) for _ in range(2))
    probes = [probe for probe in build_probes(EVERY_STEP, steps=3) if probe.table != "curvature" or place % 4 == 0]
    for plain, ctx in zip(bare.steps(3), probed.steps(3), strict=True):
        for probe in probes:
            probe.measure(ctx)
        assert plain.loss == ctx.loss
    for (name, value), other in zip(bare.model.state_dict().items(), probed.model.state_dict().values(), strict=True):
        assert torch.equal(value, other), name


MODELS = [{"name": "vgg", "widths": [2, "M", 3]}, {"name": "mlp", "widths": [6, 6]}]
MODELS += [{"name": "deep_linear", "widths": [6, 6]}, {"name": "resnet", "depth": 8, "width": 2}]
MODELS += [{"name": "transformer", "depth": 1, "width": 12, "heads": 2, "patch": 4}]
MODELS += [{"name": f"tests.user_code.models:{name}", "width": 2} for name in ("chain", "branches")]
MODELS += [{"name": f"tests.user_code.edge_case_models:{name}"} for name in EDGE_CASES]
OPTIMIZERS = [{}, {"momentum": 0.9, "weight_decay": 0.01}, {"optimizer": "adam", "weight_decay": 0.01}]
OWN_PROBE = "tests.user_code.probes:weight_norms"
FIELDS = {"dataset": {"name": "digits"}, "lr": 0.05}
DIGITS = few_digits()


def can_be_normalized(case: tuple[dict[str, Any], str]) -> bool:
    """Instance normalization needs maps."""
    model, norm = case
    return norm != "instance" or model["name"].rpartition(":")[2] in ("vgg", "resnet", "chain", "branches")


@pytest.mark.long
@settings(max_examples=20, deadline=None)
@given(
    st.tuples(st.sampled_from(MODELS), st.sampled_from(list(NORMS))).filter(can_be_normalized),
    st.sampled_from(OPTIMIZERS),
    st.sets(st.sampled_from([*PROBES, OWN_PROBE]), min_size=1),
    st.integers(1, 3),
    st.integers(0, 2**63 - 1),
)
def test_probes_move_neither_a_trial_nor_each_other(
    case: tuple[dict[str, Any], str], optimizer: dict[str, Any], names: set[str], every: int, seed: int
) -> None:
    """Any probes x norm x model x optimizer: a trial with some has the bits of one without, and of one with all."""
    model, norm = case
    train = {"steps": 3, "batch_size": 16, "eval_every": 2, **optimizer}
    streams = streams_now()

    def tables(*probes: str) -> dict[str, str]:
        sections = {name: {"every": every} for name in probes}
        fields = {"model": model, "norm": norm, "train": train, "seed": seed, "probes": sections}
        result = run_trial(TrialSpec.model_validate(FIELDS | fields), DIGITS)
        return {"trial": repr((result.status, result.test_loss))} | {k: repr(v) for k, v in result.tables.items()}

    none, some, every_one = tables(), tables(*sorted(names)), tables(*PROBES, OWN_PROBE)
    assert none == {table: some[table] for table in none}
    assert some == {table: every_one[table] for table in some}
    assert streams_now() == streams


def streams_now() -> str:
    """Where the global random streams stand."""
    return repr((torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()))  # noqa: NPY002


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_that_meets_infinities_changes_no_bit_either(name: str) -> None:
    trial = TinyTrial("vgg", "batch", dtype=torch.float32, gain=1e20, lr=1e20)
    *_, ctx = trial.steps(2)
    before = {key: value.clone() for key, value in trial.model.state_dict().items()}
    assert measure(name)(ctx)
    after = trial.model.state_dict()
    assert all(value.numpy().tobytes() == after[key].numpy().tobytes() for key, value in before.items())


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_works_the_same_where_gradients_are_off(name: str) -> None:
    ctx = TinyTrial("mlp", "noisy_batch").take_step()
    expected = measure(name)(ctx)
    with torch.no_grad():
        assert measure(name)(ctx) == expected
