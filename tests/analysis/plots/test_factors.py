"""The figure of factors: what is drawn is the table, and what is not is said."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analysis
from analysis.loading import Results
from analysis.plots.factors import MAX_FACTORS, draw_factors, factors_data, places_of
from bnsweep.errors import InputError
from tests.synthetic import make_specs, write_sweep

NORMS = ["none", "batch"]
SMALL: dict[str, Any] = {"norms": NORMS, "gains": [1.0], "lrs": [0.01, 0.1], "num_seeds": 3, "probes": False}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("factors")
    choices = product(("sgd", "adam"), (16, 64, 256))
    specs = [spec for one, size in choices for spec in make_specs(**SMALL, optimizer=one, batch_size=size)]
    write_sweep(directory, specs, batch=100)
    return analysis.load(directory)


def test_a_panel_per_factor_and_measure_and_a_line_per_mode(results: Results) -> None:
    data = factors_data(results)
    assert [factor.name for factor in data.factors] == ["batch_size", "optimizer"]
    fig = draw_factors(data)
    assert len(fig.axes) == 4
    rows, sizes = data.rows.query("factor == 'batch_size' and measure == 'mean_accuracy'"), fig.axes[0]
    assert sizes.get_xscale() == "log"
    for line, norm in zip(sizes.lines, data.norms, strict=True):
        assert np.asarray(line.get_ydata()) == pytest.approx(rows.loc[rows["norm"] == norm, "value"].to_numpy())
    assert [label.get_text() for label in fig.axes[1].get_xticklabels()] == ["sgd", "adam"]
    assert fig.axes[1].get_xscale() == "linear"


def test_the_title_is_the_factor_that_moves_accuracy_most(results: Results) -> None:
    title = factors_data(results).title
    assert title.startswith("Of the factors batch_size moves the mean accuracy most: none by 0.00")


@pytest.mark.long
def test_many_factors_are_cut_and_the_figure_says_so(tmp_path: Path) -> None:
    fields: dict[str, list[Any]] = {
        "steps": [100, 200],
        "batch_size": [16, 64],
        "optimizer": ["sgd", "adam"],
        "weight_decay": [0.0, 1e-3],
        "max_loss": [10.0, 20.0],
        "log_every": [10, 20],
        "eval_every": [None, 50],
    }
    small = SMALL | {"norms": ["batch"], "num_seeds": 1}
    points = (dict(zip(fields, point, strict=True)) for point in product(*fields.values()))
    write_sweep(tmp_path, [spec for point in points for spec in make_specs(**small, **point)], batch=200)
    data = factors_data(analysis.load(tmp_path))
    assert len(data.factors) == MAX_FACTORS
    assert f"{MAX_FACTORS} of 7 factors are drawn; the CSV has all." in data.subtitle
    assert set(data.rows["factor"]) == set(fields)
    assert draw_factors(data).get_size_inches()[1] <= 10
    some = replace(results := analysis.load(tmp_path), trials=results.trials[results.trials["lr"] == 0.1])
    assert factors_data(some).title.startswith("No factor can be measured")


def test_settings_without_a_counterpart_are_named(tmp_path: Path) -> None:
    specs = [
        spec
        for one, size in (("sgd", 16), ("adam", 64), ("sgd", 64))
        for spec in make_specs(**SMALL, optimizer=one, batch_size=size)
    ]
    write_sweep(tmp_path / "partial", specs)
    subtitle = factors_data(analysis.load(tmp_path / "partial")).subtitle
    assert "batch_size: 1 settings have no counterpart." in subtitle
    apart = [
        spec
        for one, size in (("sgd", 16), ("adam", 64), ("sgd", 256))
        for spec in make_specs(**SMALL, optimizer=one, batch_size=size)
    ]
    write_sweep(tmp_path / "apart", apart)
    data = factors_data(analysis.load(tmp_path / "apart"))
    assert data.title == "No setting has a counterpart that differs in one factor alone"
    assert "Not drawn, since no settings differ in it alone: batch_size, optimizer." in data.subtitle
    draw_factors(data)


def test_one_setting_has_no_figure(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(**SMALL))
    with pytest.raises(InputError, match="the sweep has one setting"):
        factors_data(analysis.load(tmp_path))


def test_numbers_are_at_their_value_and_a_zero_among_powers_is_in_order() -> None:
    assert places_of([16, 64, 256])[0] == "log"
    assert places_of([0.0, 0.5, 0.9])[0] == "linear"
    assert places_of(["sgd", "adam"])[0] == "category"
    scale, places = places_of([0.0, 1e-4, 1e-2])
    assert (scale, places.tolist()) == ("category", [0, 1, 2])
