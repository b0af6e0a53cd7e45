"""`train.compile`: the same training by other kernels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bnsweep.data import load_dataset
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.loop import run_trial, train
from bnsweep.training.result import TrialResult

Build = Callable[..., TrialSpec]
PROBES = {"ics": {"every": 3}, "landscape": {"every": 3}}
LEAF = "ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning"
"""PyTorch warns of what it does itself where a model is compiled in parts."""
DATA = load_dataset(DigitsSpec(name="digits"))
MLP, VGG = {"name": "mlp", "widths": [8]}, {"name": "vgg", "widths": [4, "M", 6]}
STEPS = {"steps": 8, "batch_size": 32, "schedule": "cosine", "warmup": 2}
"""With a rate of its own for each step, for which nothing may be compiled again."""
needs_compiler = pytest.mark.needs("c++")


def compiled(spec: TrialSpec, compiler: Compiler) -> TrialResult:
    """Train as a worker does, which has one compiler for all of its trials."""
    for training in train(spec, DATA, compiler=compiler):
        result = training.result
    return result


@needs_compiler
@pytest.mark.filterwarnings(LEAF)
@pytest.mark.long
@pytest.mark.parametrize("norm", ["batch", "noisy_batch"])
@pytest.mark.parametrize("model", [MLP, VGG], ids=["mlp", "vgg"])
def test_compiled_steps_train_the_same_and_alike_each_time(spec: Build, model: dict[str, object], norm: str) -> None:
    compiler, fields = Compiler(), {"model": model, "norm": norm}
    plain = run_trial(spec(**fields, probes=PROBES, train=STEPS), DATA)
    alone, probed = (
        compiled(spec(**fields, probes=probes, train={**STEPS, "compile": True}), compiler) for probes in ({}, PROBES)
    )
    assert alone.tables["curves"] == probed.tables["curves"]
    rounded = {("curves", "train_loss"): 1e-4, ("ics", "ics_l2"): 1e-2, ("landscape", "loss"): 1e-3}
    for (table, column), tolerance in rounded.items():
        one, other = ([row[column] for row in found.tables[table] if column in row] for found in (probed, plain))
        assert one == pytest.approx(other, rel=tolerance, abs=1e-6)


@pytest.mark.long
@needs_compiler
def test_a_shift_that_is_none_is_measured_as_none(spec: Build) -> None:
    steps = {"steps": 4, "batch_size": 32, "compile": True}
    result = run_trial(spec(model=MLP, norm="batch", lr=1e-30, probes={"ics": {"every": 3}}, train=steps), DATA)
    assert [row["ics_l2"] for row in result.tables["ics"]] == [0.0] * len(result.tables["ics"])


@needs_compiler
@pytest.mark.filterwarnings(LEAF)
def test_what_was_compiled_before_does_not_matter(spec: Build) -> None:
    compiler, steps = Compiler(), {"steps": 3, "batch_size": 32, "compile": True}
    first, _, again = (
        compiled(spec(model=MLP, norm=norm, train=steps), compiler).tables for norm in ("batch", "noisy_batch", "batch")
    )
    assert first == again


def test_a_compiled_trial_is_another_trial(spec: Build) -> None:
    assert (
        spec(train={"compile": True}).trial_key != spec(train={}).trial_key == spec(train={"compile": False}).trial_key
    )
