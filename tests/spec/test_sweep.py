"""The grid that a sweep file declares, and the one message for each thing that can be wrong in it."""

from __future__ import annotations

from itertools import product
from math import log10
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.errors import InputError
from bnsweep.spec import TrialSpec
from bnsweep.spec.grid import refinement
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY

MINI = Path(__file__).parents[2] / "sweeps" / "mini.yaml"


def test_the_mini_sweep_is_the_grid_that_the_docs_promise() -> None:
    trials = Sweep.from_yaml(MINI).trials
    norms, gains, lrs = ("none", "batch", "noisy_batch"), (0.5, 2.0), [round(k / 2, 9) for k in range(-6, 3)]
    expected = set(product(norms, gains, lrs, range(6)))
    found = {(spec.norm, spec.init_gain, round(log10(spec.lr), 5), spec.seed) for spec in trials}
    assert found == expected
    assert len(trials) == len(expected) == len({spec.trial_key for spec in trials})


def test_one_seed_comes_everywhere_first_and_within_it_coarse_before_fine() -> None:
    trials = Sweep.from_yaml(MINI).trials
    assert [spec.seed for spec in trials] == [seed for seed in range(6) for _ in range(54)]
    first = trials[:18]
    assert {spec.lr for spec in first} == {0.001, 0.1, 10.0}
    assert {spec.norm for spec in first} == {"none", "batch", "noisy_batch"}


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40, unique=True))
def test_refinement_halves(values: list[float]) -> None:
    levels = dict(zip(values, refinement(values), strict=True))
    ordered = sorted(values)
    assert levels[ordered[0]] == levels[ordered[-1]] == 0
    for level in range(max(levels.values())):
        known = [position for position, value in enumerate(ordered) if levels[value] <= level]
        finer = [position for position, value in enumerate(ordered) if levels[value] <= level + 1]
        assert max(np.diff(finer), default=0) <= (max(np.diff(known)) + 1) // 2


def test_generated_points_can_be_typed_again() -> None:
    generated = Sweep.from_text(TINY.replace("[0.1, 1.0e+9]", "{logspace: [0.001, 1, 4]}"))
    typed = Sweep.from_text(TINY.replace("[0.1, 1.0e+9]", "{values: [1e-3, 0.01, 1e-1, 1]}"))
    assert {spec.trial_key for spec in generated.trials} == {spec.trial_key for spec in typed.trials}


def test_forms_of_an_axis() -> None:
    def lrs(axis: str) -> list[float]:
        return sorted({spec.lr for spec in Sweep.from_text(TINY.replace("[0.1, 1.0e+9]", axis)).trials})

    assert lrs("{linspace: [1, 3, 3]}") == [1.0, 2.0, 3.0]
    assert lrs("{logspace: [1, 2, 3]}") == [1.0, 1.41421, 2.0]
    seeds = Sweep.from_text(TINY.replace("{range: 2}", "{range: [3, 6]}")).trials
    assert {spec.seed for spec in seeds} == {3, 4, 5}


def test_each_trial_is_what_it_would_be_on_its_own() -> None:
    """What trials have in common is checked once for all of them."""
    axes = "train.momentum: [0.0, 0.9]\n  model.widths: [[4], [8, 8]]\n  norm:"
    text = TINY.replace("norm:", axes).replace(", widths: [8]}", "}")
    for spec in Sweep.from_text(text).trials:
        alone = TrialSpec.model_validate_json(spec.to_json())
        assert alone == spec
        assert alone.trial_key == spec.trial_key


def test_any_field_of_a_section_can_be_an_axis() -> None:
    text = TINY.replace("  norm:", "  train.momentum: [0.0, 0.9]\n  norm:").replace("widths: [8]}", "}")
    text = text.replace("  norm:", "  model.widths: [[4], [8, 8]]\n  norm:")
    trials = Sweep.from_text(text).trials
    assert {(spec.train.momentum, spec.model.widths) for spec in trials} == set(product((0.0, 0.9), ((4,), (8, 8))))


BAD = [
    (("norm: [none", "nrom: [none"), "axes.nrom: unknown key 'nrom'; allowed: ", "; did you mean 'norm'?"),
    (("none, batch", "none, bacth"), "axes.norm: given 'bacth'; allowed: batch, dyt, ", "; did you mean 'batch'?"),
    (
        ("name: mlp", "norm_position: pre, name: mlp"),
        "model.norm_position: unknown key",
        "allowed: activation, name",
    ),
    (("axes:", "init: xavier\naxes:"), "init: given 'xavier'; allowed: default, ", "; did you mean 'xavier_normal'?"),
    (
        ("name: mlp", "name: mpl"),
        "model.name: given 'mpl'; allowed: deep_linear, mlp, package.module:callable, ",
        "did you mean 'mlp'?",
    ),
    (("name: digits", "name: digit"), "dataset.name: given 'digit'; allowed: ", "did you mean 'digits'?"),
    (("name: digits", "nam: digits"), "dataset: missing; it needs a name: cifar10, digits, ", "parquet"),
    (("{name: digits}", "{name: cifar10}"), "dataset.root: missing", ""),
    (("digits}", "gaussian, samples: 0}"), "dataset.samples: given 0; it should be greater than 0", ""),
    (("digits}", "gaussian, num_classes: 1}"), "dataset.num_classes: given 1; it should be greater than or equal", ""),
    (("digits}", "gaussian, sample: 9}"), "dataset.sample: unknown key 'sample'; allowed: ", "mean 'samples'?"),
    (("digits}", "'my data:load'}"), "dataset.name: given 'my data:load'; it should be package.module:callable", ""),
    (("mlp, widths: [8]", "deep_linear, widths: []"), "model.widths: given []; it should have at least 1 item", ""),
    (("[none, batch, noisy_batch]", "[wieght]"), "axes.norm: given 'wieght'; allowed: ", "did you mean 'weight'?"),
    (("dataset: {name: digits}", "dataset: digits"), "dataset: given 'digits'; it should be a mapping", ""),
    (("dataset: {name: digits}", ""), "dataset: missing; such as {name: digits}", ""),
    (("[0.1, 1.0e+9]", "[0.1, -1]"), "axes.lr: given -1; it should be greater than 0", ""),
    (("[0.1, 1.0e+9]", "[0.1, .inf]"), "axes.lr: given inf; it should be less than or equal to 1e30", ""),
    (("[0.1, 1.0e+9]", "['0.1']"), "axes.lr: given '0.1'; it should be a valid number", ""),
    (("[0.1, 1.0e+9]", "[]"), "axes.lr: an empty axis leaves no trials; give at least one value", ""),
    (("[0.1, 1.0e+9]", "{logspace: [0.1, 1, 0]}"), "axes.lr: an empty axis leaves no trials", ""),
    (("[0.1, 1.0e+9]", "[1, 1.0]"), "axes.lr: 1.0 is given twice", ""),
    (("[0.1, 1.0e+9]", "0.1"), "axes.lr: given 0.1; it should be a list, or one of values, logspace", ""),
    (("[0.1, 1.0e+9]", "{logspce: [1, 2, 3]}"), "axes.lr: unknown key 'logspce'; ", "did you mean 'logspace'?"),
    (("[0.1, 1.0e+9]", "{logspace: [-3, 1, 5]}"), "axes.lr.logspace: given [-3, 1, 5]; ", "(values, not exponents)"),
    (("[0.1, 1.0e+9]", "{logspace: [1, 5]}"), "axes.lr.logspace: given [1, 5]; it should be [first, last, count]", ""),
    (("{range: 2}", "{range: two}"), "axes.seed.range: given 'two'; it should be a count such as 3", ""),
    (("{range: 2}", "[0.5]"), "axes.seed: given 0.5; it should be a valid integer", ""),
    (("{range: 2}", "[-1]"), "axes.seed: given -1; it should be greater than or equal to 0", ""),
    (("widths: [8]", "widths: [8.5]"), "model.widths[0]: given 8.5; it should be a valid integer", ""),
    (("widths: [8]", "widths: [M]"), "model.widths[0]: given 'M'; it should be a valid integer", ""),
    (("mlp, widths: [8]", "vgg, widths: [8, X]"), "model.widths[1]: given 'X'; ", "integer or should be 'M'"),
    (("mlp, widths: [8]", "vgg, widths: [M]"), "model: needs at least one convolution", ""),
    (
        ("widths: [8]", "width: [8]"),
        "model.width: unknown key 'width'; allowed: activation, ",
        "'widths'?",
    ),
    (("steps: 6", "steps: 0"), "train.steps: given 0; it should be greater than 0", ""),
    (("steps: 6", "steps: '6'"), "train.steps: given '6'; it should be a valid integer", ""),
    (("steps: 6", "stesp: 6"), "train.stesp: unknown key 'stesp'; allowed: ", "; did you mean 'steps'?"),
    (("steps: 6", "steps: 6, momentum: 1"), "train.momentum: given 1; it should be less than 1", ""),
    (("steps: 6", "steps: 6, optimizer: sgdm"), "train.optimizer: given 'sgdm'; allowed: adam, adamw, sgd; ", "'sgd'?"),
    (("steps: 6", "steps: 6, optimizer: adamw, momentum: 0.9"), "train: momentum 0.9 is for sgd; adamw takes", ""),
    (("steps: 6", "steps: 6, nesterov: 1"), "train.nesterov: given 1; it should be a valid boolean", ""),
    (
        ("steps: 6", "steps: 6, nesterov: true"),
        "train: nesterov is for sgd with a momentum above 0; given sgd",
        "",
    ),
    (("steps: 6", "steps: 6, optimizer: adam, nesterov: true"), "train: nesterov is for sgd with a momentum above", ""),
    (("steps: 6", "steps: 6, betas: [0.9, 0.95]"), "train: betas [0.9, 0.95] are for adam and adamw; sgd takes", ""),
    (("steps: 6", "steps: 6, betas: [0.9]"), "train.betas: given [0.9]; it should be two numbers, such as [0.9, ", ""),
    (("steps: 6", "steps: 6, betas: [0.9, 1]"), "train.betas[1]: given 1; it should be less than 1", ""),
    (("  norm:", "  train.betas: [0.9, 0.95]\n  norm:"), "axes.train.betas: given 0.9; it should be a list", ""),
    (("steps: 6", "steps: 6, clip_norm: 0"), "train.clip_norm: given 0; it should be greater than 0", ""),
    (
        ("steps: 6", "steps: 6, schedule: cosin"),
        "train.schedule: given 'cosin'; allowed: constant",
        "'cosine'?",
    ),
    (("steps: 6", "steps: 6, step_factor: 0.5"), "train: step_at [0.5, 0.75] and step_factor 0.5 are for schedule", ""),
    (("steps: 6", "steps: 6, schedule: step, step_factor: 0"), "train.step_factor: given 0; it should be greater", ""),
    (("steps: 6", "steps: 6, schedule: step, step_at: []"), "train.step_at: given []; it should be shares of the ", ""),
    (("steps: 6", "steps: 6, schedule: step, step_at: [0.5, 0.4]"), "train.step_at: given [0.5, 0.4]; it ", "rise"),
    (("steps: 6", "steps: 6, schedule: step, step_at: [3]"), "train.step_at[0]: given 3; it should be less than 1", ""),
    (("steps: 6", "steps: 6, warmup: 6"), "train: warmup 6 takes 6 of 6 steps; it should leave some at the full", ""),
    (("steps: 6", "steps: 6, warmup: 0.99"), "train: warmup 0.99 takes 6 of 6 steps; it should leave some at", ""),
    (("steps: 6", "steps: 6, warmup: 1.5"), "train.warmup: given 1.5; it should be a valid integer or ", "less than 1"),
    (("steps: 6", "steps: 6, warmup: -1"), "train.warmup: given -1; it should be greater than or equal to 0", ""),
    (
        ("steps: 6", "steps: 6, schedule: step, warmup: 3"),
        "train: warmup 3 ends with step 3, and step_at [0.5, ",
        "",
    ),
    (
        ("batch_size: 32", "batch_size: 1"),
        "norm batch takes statistics over the mini-batch; train.batch_size should",
        "",
    ),
    (("probes: {", "log: {curves: few}\nprobes: {"), "log.curves: given 'few'; allowed: all, summary", ""),
    (("probes: {", "log: summary\nprobes: {"), "log: given 'summary'; it should be a mapping such as ", ""),
    (("ics: {every: 3}", "ics: {}"), "probes.ics: given no schedule; it needs one of every, at, log_spaced", ""),
    (("ics: {every: 3}", "ics: {every: 3, at: [1]}"), "probes.ics: given every and at; it needs one of", ""),
    (("ics: {every: 3}", "ics: {at: [1], start: 3}"), "probes.ics: start goes with every", ""),
    (("ics: {every: 3}", "ics: {at: []}"), "probes.ics.at: given []; it should have at least 1 item", ""),
    (("ics: {every: 3}", "ics: {at: [1], at_least: 3}"), "probes.ics: at_least goes with every", ""),
    (
        ("ics: {every: 3}", "ics: {at: [500, 7]}"),
        "probes.ics.at: the first measurement is at step 7, and train.steps 6 end with step 5",
        "",
    ),
    (("ics: {every: 3}", "ics: {every: 3, start: 6}"), "probes.ics.start: the first measurement is at step 6, and", ""),
    (("ics: {every: 3}", "custom: 3"), "probes.custom: unknown key 'custom'; allowed: curvature, ", "module:callable"),
    (("ics: {every: 3}", "'a:b': {at: [9]}"), "probes.a:b.at: the first measurement is at step 9, and train.steps", ""),
    (
        ("ics: {every: 3}", "'a:b': {every: 1, since: 2020-01-01}"),
        "probes.a:b: option since: given datetime.date(2020, 1, 1); it should be text, a finite number, true,",
        "",
    ),
    (("{name: digits}", "{name: 'a:b', v: .nan}"), "dataset: option v: given nan; it should be text, a finite", ""),
    (("probes: {", "probes: ful #"), "probes: given 'ful'; allowed: economy, full; did you mean 'full'?", ""),
    (("mlp, widths: [8]", "resnet, depth: 9"), "model: depth 9 is not 6n + 2; such as 8, 14, 20", ""),
    (
        ("mlp, widths: [8]", "'my model:net'"),
        "model.name: given 'my model:net'; it should be package.module:callable",
        "",
    ),
    (
        ("model: {name: mlp, widths: [8]}", "model: mlp"),
        "model: given 'mlp'; it should be a mapping such as",
        "{name: mlp}",
    ),
    (("name: mlp", "name: [mlp]"), "model.name: given ", "did you mean 'mlp'?"),
    (
        ("train: {steps: 6, batch_size: 32, eval_every: 3}", "train: null"),
        "train: given null; it should be a mapping",
        "",
    ),
    (("axes:", "axes: null\nx:"), "x: unknown key 'x'", ""),
    (("[0.1, 1.0e+9]", "[1" + "0" * 400 + "]"), "axes.lr: given 1000", "it should be a valid number"),
    (("[0.1, 1.0e+9]", "{logspace: [1, 10, 10000000000000]}"), "axes.lr.logspace: given 10000000000000 points; ", ""),
    (("{range: 2}", "{range: 1000000000}"), "axes.seed.range: given 1000000000 points; a sweep has at most", ""),
    (("{range: 2}", "{range: 900000}"), "axes: given 5400000 points; a sweep has at most 1048576 trials", ""),
    (("  norm:", "  train.momentum: [0, -0.0]\n  norm:"), "axes.train.momentum: -0.0 is given twice", ""),
    (("  norm:", "  train.steps: [3]\n  norm:"), "train.steps: given both as a fixed value and in axes", ""),
    (("  norm:", "  momentum: [0]\n  norm:"), "axes.momentum: unknown key", "did you mean 'train.momentum'?"),
    (
        ("  norm:", "  train.momentum: [0, 1.5]\n  norm:"),
        "axes.train.momentum: given 1.5; it should be less than 1",
        "",
    ),
    (("ics: {every: 3}", "icss: {every: 3}"), "probes.icss: unknown key 'icss'; ", "; did you mean 'ics'?"),
    (
        ("ics: {every: 3}", "ics: {evry: 3}"),
        "probes.ics.evry: unknown key 'evry'; allowed: at, at_least, every, log_spaced, start; ",
        "'every'?",
    ),
    (("ics: {every: 3}", "ics: {every: 0}"), "probes.ics.every: given 0; it should be greater than 0", ""),
    (("ics: {every: 3}", "ics: 3"), "probes.ics: given 3; it should be a mapping", ""),
    (("name: tiny", "nmae: tiny"), "nmae: unknown key 'nmae'; allowed: ", "; did you mean 'name'?"),
    (("name: tiny", "name: a/b"), "name: given 'a/b'; it should consist of letters, digits and _ . - alone", ""),
    (("name: tiny", "name: 3"), "name: given 3; it should be a valid string", ""),
    (("axes:", "resources: {gpu: 1}\naxes:"), "resources.gpu: unknown key 'gpu'; allowed: cpus, gpus; ", "'gpus'?"),
    (("axes:", "resources: {cpus: 0}\naxes:"), "resources.cpus: given 0; it should be greater than 0", ""),
    (("  norm:", "  norm: [none]\n  norm:"), 'line 8, column 3: not valid YAML: found duplicate key "norm"', ""),
    (("[none, batch, noisy_batch]", "[none"), "line 8, column 5: not valid YAML: ", ""),
]


@pytest.mark.parametrize(("change", "start", "end"), BAD, ids=[entry[1][:50] for entry in BAD])
def test_what_is_wrong_is_named(change: tuple[str, str], start: str, end: str) -> None:
    assert change[0] in TINY
    with pytest.raises(InputError) as error:
        Sweep.from_text(TINY.replace(*change, 1))
    message = str(error.value)
    assert message.startswith(start)
    assert end in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "- a", "text"])
def test_a_file_that_is_no_mapping(text: str) -> None:
    with pytest.raises(InputError, match="a sweep file is a mapping with the keys name, model"):
        Sweep.from_text(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nope\.yaml: cannot be read .*No such file"):
        Sweep.from_yaml(tmp_path / "nope.yaml")
