"""What is said of optimizers and schedules, on a sweep of which the answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import analysis
from analysis.loading import Results
from analysis.plots.style import style
from analysis.studies.recipes import draw_recipes, of_optimizers, of_recipes, table_of_recipes
from tests.synthetic import make_specs, write_sweep


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return two optimizers, of which sgd is 0.1 better, at three rates."""
    directory = tmp_path_factory.mktemp("recipes")
    specs = [
        spec
        for optimizer in ("sgd", "adamw")
        for spec in make_specs(("none", "batch"), gains=(1.0,), lrs=(0.01, 0.1, 1.0), num_seeds=2, optimizer=optimizer)
    ]
    write_sweep(directory, specs)
    read = analysis.load(directory)
    trials = read.trials
    at = trials["lr"].map({0.01: 0.3, 0.1: 0.6, 1.0: 0.0}) + np.where(trials["optimizer"] == "adamw", 0.1, 0.2)
    return replace(read, trials=trials.assign(status="completed", test_acc=at + 0.02 * trials["seed"]))


def test_each_line_is_mean_and_best_over_the_learning_rates(results: Results) -> None:
    lines = table_of_recipes(results).splitlines()[2:]
    assert lines == [
        f"| {optimizer} | constant | {norm} | {0.31 + more:.3f} | {0.61 + more:.3f} | 0.1 |"
        for optimizer, more in (("sgd", 0.2), ("adamw", 0.1))
        for norm in ("batch", "none")
    ]


def test_batch_is_compared_with_none_within_each_recipe(results: Results) -> None:
    gained = 0.05 * ((results.trials["optimizer"] == "sgd") & (results.trials["norm"] == "batch"))
    moved = replace(results, trials=results.trials.assign(test_acc=results.trials["test_acc"] + gained))
    found = {(finding.source, finding.statement): finding.by_seed for finding in of_recipes(moved)}
    assert len(found) == 4
    for (recipe, _), values in found.items():
        np.testing.assert_allclose(values, 0.05 if recipe == "sgd, constant" else 0.0, atol=1e-12)


def test_a_panel_of_each_recipe_has_a_line_of_each_mode(results: Results) -> None:
    with style():
        figure = draw_recipes(results)
        figure.draw_without_rendering()
    assert [ax.get_title() for ax in figure.axes] == ["sgd, constant", "adamw, constant"]
    for ax, more in zip(figure.axes, (0.2, 0.1), strict=True):
        lines = [line.get_ydata() for line in ax.lines if len(line.get_ydata()) == 3]
        np.testing.assert_allclose(lines, [np.array([0.31, 0.61, 0.01]) + more] * 2)


def test_the_gain_of_batch_is_compared_between_optimizers(results: Results) -> None:
    sizes = {("sgd", "batch"): 0.05, ("adamw", "batch"): 0.02}
    keys = zip(results.trials["optimizer"], results.trials["norm"].astype(str), strict=True)
    gained = np.array([sizes.get(key, 0.0) for key in keys])
    moved = replace(results, trials=results.trials.assign(test_acc=results.trials["test_acc"] + gained))
    (found,) = of_optimizers(moved)
    np.testing.assert_allclose(found.by_seed, -0.03, atol=1e-12)
