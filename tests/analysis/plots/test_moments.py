"""Moments over steps: the data by bare pandas, and the ridges against scipy's density."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gaussian_kde

import analysis
from analysis.loading import Results
from analysis.plots.moments import AXIS_LABELS, HEIGHT, density, draw_moments, moments_data
from bnsweep.errors import InputError
from tests.synthetic import make_specs, write_sweep

LAYER = ["norm", "layer", "layer_name"]


@pytest.fixture(scope="module")
def moving(results: Results) -> Results:
    """Moments that move: at random, further without normalization."""
    rows = results.moments
    scale = rows["norm"].astype(str).map({"none": 2.0, "batch": 0.1, "noisy_batch": 1.0})
    noise = np.random.default_rng(0).normal(size=(len(rows), 4))
    moved = {name: rows[name] + scale * noise[:, k] for k, name in enumerate(AXIS_LABELS)}
    return replace(results, moments=rows.assign(**moved))


def test_the_spread_is_over_steps_within_a_seed(moving: Results) -> None:
    rows = moving.moments[(moving.moments["lr"] == 0.1) & (moving.moments["init_gain"] == 1)]
    rows = rows.astype({"layer_name": str})
    for name in AXIS_LABELS:
        expected = rows.groupby([*LAYER, "seed"])[name].std(ddof=0).groupby(LAYER).mean()
        pd.testing.assert_series_equal(moments_data(moving).spreads.set_index(LAYER)[name], expected)


def test_the_title_ranks_the_modes(moving: Results) -> None:
    data = moments_data(moving)
    median = data.spreads.groupby("norm")["mean"].median()
    named = ", ".join(f"{norm} {median[norm]:.2g}" for norm in ("batch", "noisy_batch", "none"))
    assert data.title.endswith(f"wander over the steps by: {named}")


def test_every_measurement_of_the_cell_is_there(moving: Results) -> None:
    data = moments_data(moving)
    rows = moving.moments[(moving.moments["lr"] == 0.1) & (moving.moments["init_gain"] == 1)]
    assert len(data.measured) == len(rows)
    assert sorted(data.measured["pre_std"]) == sorted(rows["pre_std"])
    assert data.layers == [(0, "conv0"), (1, "conv1"), (2, "conv2")]


def test_density_is_that_of_scipy_but_scaled() -> None:
    values, places = np.random.default_rng(1).normal(size=40), np.linspace(-4, 4, 200)
    oracle = gaussian_kde(values, bw_method=len(values) ** -0.2 * values.std() / values.std(ddof=1))(places)
    np.testing.assert_allclose(density(values, places), oracle / oracle.max(), rtol=1e-9, atol=1e-12)


def test_values_that_are_all_the_same_are_a_narrow_ridge_and_none_is_flat() -> None:
    places = np.linspace(0, 1, 201)
    ridge = density(np.full(5, 0.5), places)
    assert places[ridge.argmax()] == 0.5
    assert 0 < (ridge > 0.5).sum() < 10
    assert not density(np.array([np.nan, np.inf]), places).any()


def test_each_ridge_stands_on_its_layer(moving: Results) -> None:
    data = moments_data(moving)
    axes = draw_moments(data).axes
    assert [ax.get_title() for ax in axes] == list(AXIS_LABELS.values())
    for ax in axes:
        ridges = [np.asarray(line.get_ydata()) for line in ax.lines if len(np.asarray(line.get_ydata())) > 2]
        assert len(ridges) == 9
        tops = sorted({round(float(ridge.min()), 6) for ridge in ridges})
        assert tops == pytest.approx([-HEIGHT, 1 - HEIGHT, 2 - HEIGHT])


def test_what_overflowed_is_left_out_and_counted(moving: Results) -> None:
    rows = moving.moments
    lost = (rows["norm"] == "none") & (rows["step"] == 50)
    data = moments_data(replace(moving, moments=rows.assign(pre_std=rows["pre_std"].mask(lost, np.inf))))
    assert data.subtitle.endswith("Left out: 6 measurements that overflowed.")
    assert np.isfinite(data.spreads["pre_std"]).all()
    with pytest.raises(InputError, match="no finite moment"):
        moments_data(replace(moving, moments=rows.assign(**dict.fromkeys(AXIS_LABELS, np.nan))))


def test_of_many_modes_the_three_of_the_paper_are_drawn(tmp_path: Path) -> None:
    norms = ["none", "batch", "noisy_batch", "layer", "rms"]
    write_sweep(tmp_path, make_specs(norms=norms, gains=[1.0], lrs=[0.1], num_seeds=1))
    data = moments_data(analysis.load(tmp_path))
    assert data.norms == ["none", "batch", "noisy_batch"]
    assert set(data.measured["norm"]) == set(norms)


def test_without_the_probe_the_figure_says_so(results: Results) -> None:
    with pytest.raises(InputError, match="no rows in moments/"):
        moments_data(replace(results, moments=results.moments.iloc[:0]))
