"""What is asked of the paper's open choices, on sweeps of which the answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import analysis
from analysis.loading import Results
from analysis.studies.variants import of_formulas, of_probes, table_by_lr, table_of_scales
from tests.synthetic import make_specs, write_sweep

NORMS = ("none", "batch", "l1", "l2", "linf")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("variants")
    write_sweep(directory, make_specs(NORMS, gains=(1.0, 4.0), lrs=(0.03, 0.1), num_seeds=3))
    read = analysis.load(directory)
    options = [f'{{"scale": {gain}}}' for gain in read.trials["init_gain"]]
    return replace(read, trials=read.trials.assign(model_options=options, status="completed"))


def test_eval_mode_and_the_distance_are_told_apart(results: Results) -> None:
    """Batch is ten times smoother in train mode alone; over the bare step length its larger gradient hides that."""
    walk = results.landscape.astype({"norm": str})
    ten = np.where(walk["norm"] == "batch", 10.0, 1.0)
    in_train = walk.assign(beta=1 / ten, grad_norm=100.0 * ten, loss=walk["lr_multiple"] / ten)
    in_eval = walk.assign(beta=1.0, grad_norm=1.0, loss=walk["lr_multiple"])
    found = {finding.statement: finding.by_seed for finding in of_probes(replace(results, landscape=in_train), in_eval)}
    lines = table_by_lr(replace(results, landscape=in_train), in_eval).splitlines()[2:]
    low, high = walk["lr_multiple"].min(), walk["lr_multiple"].max()
    bands = [f"{(high - low) / less:.2g}" for less in (1, 10, 1, 1)]
    assert [line.split(" | ")[2::2] for line in lines] == [[", ".join(bands[:2]), ", ".join(bands[2:])]] * 2
    expected = {"the loss band": (-1, 0), "beta, over alpha ||g||": (-1, 0), "beta, over alpha": (0, 0)}
    for what, sizes in expected.items():
        for mode, size in zip(("train", "eval"), sizes, strict=True):
            text = f"{mode} mode: {what} is smaller with batch, mean over lr"
            np.testing.assert_allclose(found[text], size, atol=1e-12)


def test_each_mode_has_its_accuracy_at_each_scale(results: Results) -> None:
    accuracy = 0.5 - 0.2 * (results.trials["init_gain"] == 4.0)
    lines = table_of_scales(replace(results, trials=results.trials.assign(test_acc=accuracy))).splitlines()
    assert lines[0] == "| norm | times 1 | times 4 |"
    assert lines[2:] == [f"| {norm} | 0.500 | 0.300 |" for norm in NORMS]


def test_each_formula_is_compared_with_none_at_its_own_scale(results: Results) -> None:
    trials = results.trials
    accuracy = 0.5 + 0.1 * (trials["norm"].astype(str) == "l1") - 0.2 * (trials["init_gain"] == 4.0)
    found = {
        finding.statement: finding.by_seed
        for finding in of_formulas(replace(results, trials=trials.assign(test_acc=accuracy)))
    }
    sizes = {text: round(float(values.mean()), 9) for text, values in found.items()}
    assert sizes["l1 times 1 is at least as accurate as none, mean over lr"] == 0.1
    assert sizes["l1 times 4 is at least as accurate as none, mean over lr"] == -0.1
    assert sizes["linf times 1 is at least as accurate as none, mean over lr"] == 0.0
