"""The level of beta on sweeps whose level is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import analysis
from analysis.loading import Results
from analysis.plots.style import style
from analysis.studies.beta import beta_data, draw_beta, draw_walks, of_levels, table_of_levels
from tests.synthetic import make_specs, write_sweep

LRS, STEPS = (0.05, 0.2), 200
BAND = {"none": 1.0, "batch": 0.5}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return a sweep in which beta is late at BAND x 2 / lr, early far from it, and the sharpness at 2 / lr."""
    directory: Path = tmp_path_factory.mktemp("beta")
    specs = [
        spec
        for size in (32, 128)
        for spec in make_specs(
            tuple(BAND), gains=(1.0,), lrs=LRS, num_seeds=3, curvature=True, batch_size=size, steps=STEPS
        )
    ]
    write_sweep(directory, specs, diverges=lambda _: False)
    read = analysis.load(directory)
    walked = read.landscape
    late = walked["step"] >= STEPS / 3
    level = walked["norm"].astype(str).map(BAND) * 2 / walked["lr"] * (1 + 0.01 * walked["seed"])
    shape = np.where(walked["lr_multiple"] == 4.0, 1.0, 0.3) * np.where(late, 1.0, 50.0)
    return replace(read, landscape=walked.assign(beta=level * shape))


def test_levels_are_late_medians_of_the_largest_of_a_walk_in_units_of_the_edge(results: Results) -> None:
    data = beta_data(results)
    rows = data.rows.set_index(["batch_size", "norm", "lr"])
    assert data.shortest == (0.5,)
    assert len(rows) == 2 * len(BAND) * len(LRS)
    seeds = np.log10([1.0, 1.01, 1.02])
    for (_, norm, _), row in rows.iterrows():
        level = row["beta from 0.5 lr"]
        assert level == pytest.approx(BAND[norm] * 10 ** seeds.mean())
        assert row["beta from 0.5 lr, low"] < level < row["beta from 0.5 lr, high"]
        assert (row["sharpness"], row["n"]) == (pytest.approx(1.0), 3)


def test_a_gradient_that_is_gone_gives_one_over_the_shortest_step(results: Results) -> None:
    """Walks from lr / 8 on: none at the edge, batch with a gradient that every step ends."""
    walked = results.landscape
    lengths = walked["lr_multiple"].map({0.5: 0.125, 1.0: 0.25, 2.0: 0.5, 4.0: 4.0})
    beta = np.where(walked["norm"] == "none", 2.0, 1 / lengths) / walked["lr"]
    data = beta_data(replace(results, landscape=walked.assign(lr_multiple=lengths, beta=beta)))
    assert data.shortest == (0.125, 0.25, 0.5)
    for _, row in data.rows.iterrows():
        expected = [1.0, 1.0, 1.0] if row["norm"] == "none" else [4.0, 2.0, 1.0]
        assert [row[name] for name in data.names[1:]] == pytest.approx(expected)


def test_trials_that_diverged_have_no_level(results: Results) -> None:
    status = np.where(results.trials["lr"] == LRS[1], "diverged", "completed")
    rows = beta_data(replace(results, trials=results.trials.assign(status=status))).rows
    assert set(rows["lr"]) == {LRS[0]}


def test_the_table_has_a_line_per_cell_and_the_figure_a_panel_per_rate_and_batch_size(results: Results) -> None:
    data = beta_data(results)
    lines = table_of_levels(data).splitlines()
    assert len(lines) == 2 + 2 * len(BAND) * len(LRS)
    assert any(line.startswith("| 32 | batch | 0.05 | ") and "| 0.50 [" in line for line in lines)
    with style():
        figure = draw_beta(data)
        figure.draw_without_rendering()
    assert [ax.get_title() for ax in figure.axes[:2]] == ["lr 0.05", "lr 0.2"]


def test_a_dead_net_counts_in_no_comparison_and_is_marked(results: Results) -> None:
    curves = results.curves
    is_dead = (curves["norm"] == "none") & (curves["lr"] == LRS[1])
    data = beta_data(replace(results, curves=curves.assign(train_loss=np.where(is_dead, np.log(10), 0.5))))
    assert len(data.levels) - len(data.learning) == 2 * 3
    assert data.rises.shape == data.learning["lr"].shape
    lines = table_of_levels(data).splitlines()
    assert [line for line in lines if "(dead)" in line] == [line for line in lines if f"| none | {LRS[1]:g} |" in line]
    untested = [finding.statement for finding in of_levels(data) if finding.row["verdict"] == "not tested"]
    assert [text.partition(":")[0] for text in untested] == [f"lr {LRS[1]:g}"] * 2


def test_walks_are_those_of_every_step(results: Results) -> None:
    walked = beta_data(results).walks
    assert set(walked["step"]) == set(results.landscape["step"])
    with style():
        draw_walks(beta_data(results)).draw_without_rendering()
