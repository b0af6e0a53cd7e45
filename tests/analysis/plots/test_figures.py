"""The data of every figure against bare pandas, and every figure drawn without a warning."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import Results
from analysis.cells import reference_cell
from analysis.grid import NORM_ORDER, final_accuracy
from analysis.plots import FIGURES
from analysis.plots.accuracy import accuracy_data
from analysis.plots.explains import explains_data
from analysis.plots.heatmap import heatmap_data
from analysis.plots.ics import ics_data
from analysis.plots.landscape import landscape_data
from analysis.plots.style import NORM_STYLES, norm_style, style
from bnsweep.errors import InputError
from tests.synthetic import CHANCE, make_specs, write_sweep

CELL = ["norm", "init_gain", "lr"]


@pytest.fixture(scope="module")
def trials(sweep_dir: Path) -> pd.DataFrame:
    trials = pd.read_parquet(sweep_dir / "trials").astype({"norm": str, "status": str})
    return trials.assign(accuracy=trials["test_acc"].fillna(CHANCE), diverged=trials["status"] == "diverged")


def test_accuracy_shows_every_trial_and_every_diverged_run(results: Results, trials: pd.DataFrame) -> None:
    data = accuracy_data(results)
    assert len(data.trials) == len(trials)
    expected = trials.groupby(CELL).agg(
        accuracy=("accuracy", "mean"), low=("accuracy", "min"), high=("accuracy", "max"), n_diverged=("diverged", "sum")
    )
    pd.testing.assert_frame_equal(data.means.set_index(CELL)[list(expected)], expected)
    assert data.trained_from == pytest.approx(0.9 * expected["accuracy"].max())
    assert data.title.startswith("batch trains over 2.2 decades of learning rate")


def test_accuracy_spans_lie_where_the_mean_is_on_or_above_the_bar(results: Results) -> None:
    data = accuracy_data(results)
    trained = data.means[data.means["accuracy"] >= data.trained_from]
    for row in trained.itertuples():
        spans = data.spans[(data.spans["norm"] == row.norm) & (data.spans["init_gain"] == row.init_gain)]
        assert ((spans["lr_low"] <= row.lr * 1.0001) & (row.lr <= spans["lr_high"] * 1.0001)).any()
    assert len(trained) > 0


def test_heatmap_has_every_cell(results: Results, trials: pd.DataFrame) -> None:
    data = heatmap_data(results)
    expected = trials.groupby(CELL)["accuracy"].mean()
    assert data.cells.set_index(CELL)["accuracy"].to_dict() == pytest.approx(expected.to_dict())
    assert data.matrix("batch", "xavier_uniform", "accuracy").shape == (3, 5)
    assert data.matrix("none", "xavier_uniform", "n_diverged")[2, 4] == 2


def test_heatmap_leaves_untested_cells_open(results: Results) -> None:
    some = results.trials[~((results.trials["lr"] == 1) & (results.trials["norm"] == "batch"))]
    data = heatmap_data(replace(results, trials=some))
    assert np.isnan(data.matrix("batch", "xavier_uniform", "accuracy")[:, 3]).all()
    assert not data.matrix("batch", "xavier_uniform", "trains")[:, 3].any()


def test_probes_are_shown_where_the_baseline_does_best(results: Results) -> None:
    cell = reference_cell(results, "landscape")
    assert (cell.lr, cell.init_gain, cell.reason) == (0.1, 1.0, "where none does best")


def test_without_a_baseline_probes_are_shown_where_the_worst_mode_does_best(results: Results) -> None:
    some = results.trials[results.trials["norm"] != "none"].reset_index(drop=True)
    ics = results.ics[results.ics["norm"] != "none"]
    cell = reference_cell(replace(results, trials=some, ics=ics), "ics")
    assert (cell.lr, cell.reason) == (0.01, "where the worst mode does best")


def test_landscape_bands_are_means_over_seeds_of_the_extremes(results: Results, sweep_dir: Path) -> None:
    rows = pd.read_parquet(sweep_dir / "landscape").astype({"norm": str})
    rows = rows[(rows["lr"] == 0.1) & (rows["init_gain"] == 1) & (rows["norm"] == "batch") & (rows["step"] == 50)]
    expected = np.mean([part["loss"].max() for _, part in rows.groupby("seed")])
    bands = landscape_data(results).bands.set_index(["norm", "step"])
    assert bands["loss_max"]["batch", 50] == pytest.approx(expected)
    assert (bands["loss_min"] <= bands["loss_max"]).all()
    assert (bands["n_seeds"] == 2).all()


def test_ics_leaves_out_the_first_layer(results: Results, sweep_dir: Path) -> None:
    data = ics_data(results)
    assert [layer for layer, _ in data.layers] == [1, 2, 3]
    rows = pd.read_parquet(sweep_dir / "ics").astype({"norm": str})
    rows = rows[(rows["lr"] == 0.1) & (rows["init_gain"] == 1) & (rows["layer"] == 2) & (rows["step"] == 75)]
    expected = (rows["ics_l2"] / rows["grad_norm"]).groupby(rows["norm"]).mean()
    found = data.shifts.query("layer == 2 and step == 75").set_index("norm")["ics_relative_mean"]
    assert found.to_dict() == pytest.approx(expected.to_dict())


def test_explains_has_a_point_per_trial_and_ranks_what_overflowed_as_largest(results: Results) -> None:
    data = explains_data(results)
    assert len(data.points) == len(results.trials)
    assert (data.points.loc[data.points["diverged"], "accuracy"] == CHANCE).all()
    counts = data.correlations.set_index(["measure", "norm"])["n_trials"]
    none = results.trials[results.trials["norm"] == "none"]
    assert np.isinf(none["landscape_beta"]).any()
    assert counts["landscape_beta", "none"] == none["landscape_beta"].notna().sum() == len(none)
    ranked = pd.DataFrame({"beta": none["landscape_beta"].rank(), "accuracy": final_accuracy(none).rank()})
    row = data.correlations.set_index(["measure", "norm"]).loc[("landscape_beta", "none")]
    assert row["spearman"] == pytest.approx(ranked.corr().iloc[0, 1])


def test_values_that_are_not_finite_break_no_figure(results: Results) -> None:
    landscape, ics = results.landscape.copy(), results.ics.copy()
    landscape.loc[::3, ["loss", "grad_diff_l2"]] = np.inf
    ics.loc[::3, ["ics_l2", "grad_norm"]] = np.nan
    ics.loc[1::3, "grad_norm"] = 0.0
    broken = replace(results, landscape=landscape, ics=ics)
    for name in ("landscape", "ics"):
        kind = FIGURES[name]
        data = kind.data(broken)
        numbers = next(iter(data.tables.values())).select_dtypes("number")
        assert not np.isinf(numbers).any(axis=None)
        kind.draw(data).draw_without_rendering()


def test_without_probes_the_figure_says_what_is_missing(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=1, probes=False))
    results = analysis.load(tmp_path)
    for compute, text in ((landscape_data, "landscape/"), (ics_data, "ics/"), (explains_data, "neither probe")):
        with pytest.raises(InputError, match=text):
            compute(results)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_drawn_outside_the_figure(results: Results, name: str) -> None:
    kind = FIGURES[name]
    with style():
        figure = kind.draw(kind.data(results))
        figure.draw_without_rendering()
    box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= page[0]
    assert box.y1 <= page[1]


def test_every_mode_has_a_look_of_its_own() -> None:
    assert tuple(NORM_STYLES) == NORM_ORDER
    for trait in ("color", "marker", "line"):
        assert len({getattr(look, trait) for look in NORM_STYLES.values()}) == len(NORM_STYLES)
    with pytest.raises(InputError, match=r"no mode 'bach'.*did you mean 'batch'"):
        norm_style("bach")
