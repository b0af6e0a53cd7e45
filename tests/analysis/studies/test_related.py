"""What is asked of Bjorck et al. and Ioffe & Szegedy, on sweeps of which the answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.loading import Results
from analysis.studies.finding import Finding
from analysis.studies.related import BASE_LR, growth, of_bjorck, of_ioffe
from tests.synthetic import make_specs, write_sweep

RATES = (BASE_LR, 5 * BASE_LR, 30 * BASE_LR)
LARGEST = {"none": RATES[0], "batch": RATES[2]}
"""The largest rate that learns, by mode."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("related")
    write_sweep(directory, make_specs(tuple(LARGEST), gains=(1.0,), lrs=RATES, num_seeds=4))
    read = analysis.load(directory)
    trials = read.trials
    learns = trials["lr"] <= trials["norm"].astype(str).map(LARGEST)
    accuracy = np.where(learns, 0.8, 0.1) + 0.001 * trials["seed"]
    return replace(read, trials=trials.assign(status="completed", test_acc=accuracy))


def by_text(findings: object) -> dict[str, Finding]:
    return {finding.statement: finding for finding in findings}  # type: ignore[attr-defined]  # an iterator


def test_the_largest_rate_that_learns_and_what_is_gained_where_both_learn(results: Results) -> None:
    moments = results.moments.assign(pre_std=10.0 ** results.moments["layer"])
    found = by_text(of_bjorck(replace(results, moments=moments)))
    largest = found["the largest lr that learns is larger with batch"]
    np.testing.assert_allclose(largest.by_seed, np.log10(30))
    np.testing.assert_allclose(found[f"at lr {BASE_LR:g}, the best without, both are alike"].by_seed, 0, atol=1e-12)
    np.testing.assert_allclose(found["each at its best lr, batch is more accurate"].by_seed, 0, atol=1e-12)
    grows = found["without normalization activations grow with depth"].by_seed
    layers = np.sort(moments["layer"].unique())
    by = layers[-3:].mean() - layers[:3].mean()
    np.testing.assert_allclose(grows, by)
    lines = growth(replace(results, moments=moments)).splitlines()[2:]
    last = moments[(moments["step"] == moments["step"].max()) & (moments["norm"] == "none")]
    assert [line.count(f"({by:+.2f})") for line in lines] == [2] * last["lr"].nunique()


def test_steps_to_the_baselines_best_accuracy(results: Results) -> None:
    """Accuracy rises in proportion to steps: none takes 100, batch at 5 x a third, between evaluations."""
    speed = {("none", RATES[0]): 1.0, ("batch", RATES[0]): 2.0, ("batch", RATES[1]): 3.0, ("batch", RATES[2]): 0.0}
    rows = [
        {"norm": norm, "lr": lr, "seed": seed, "step": step, "test_acc": 0.1 + 0.008 * step * rate}
        for (norm, lr), rate in speed.items()
        for seed in range(3)
        for step in range(0, 101, 10)
    ]
    found = by_text(of_ioffe(replace(results, curves=pd.DataFrame(rows))))
    fewer = {text: set(np.round(finding.by_seed, 9)) for text, finding in found.items() if text.startswith("batch")}
    assert fewer == {
        "batch at 1 x the rate takes fewer steps to the best of none at 0.02": {round(np.log10(2), 9)},
        "batch at 5 x the rate takes fewer steps to the best of none at 0.02": {round(np.log10(3), 9)},
        "batch at 30 x the rate takes fewer steps to the best of none at 0.02": {0.0},
    }
