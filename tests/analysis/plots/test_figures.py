"""The data of every figure against bare pandas, and every figure drawn without a warning."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

import analysis
from analysis.loading import Results
from analysis.loading.order import NORM_ORDER
from analysis.measures.walks import walks
from analysis.plots import FIGURES
from analysis.plots.accuracy import accuracy_data, draw_accuracy
from analysis.plots.accuracy.data import open_gaps
from analysis.plots.bands import OPEN, fill_band, limit
from analysis.plots.explains import explains_data
from analysis.plots.heatmap import draw_heatmap, heatmap_data
from analysis.plots.ics import draw_ics, ics_data
from analysis.plots.landscape import draw_landscape, landscape_data
from analysis.plots.reference_cell import reference_cell
from analysis.plots.style import NORM_STYLES, norm_style, style
from bnsweep.errors import InputError
from tests.analysis.plots.rendering import clipped, rendered
from tests.synthetic import CHANCE, make_specs, write_sweep

CELL = ["norm", "init_gain", "lr"]
NORMS = pd.CategoricalDtype(["none", "batch", "noisy_batch"], ordered=True)


@pytest.fixture(scope="module")
def trials(sweep_dir: Path) -> pd.DataFrame:
    trials = pd.read_parquet(sweep_dir / "trials").astype({"norm": NORMS, "status": str})
    return trials.assign(accuracy=trials["test_acc"].fillna(CHANCE), diverged=trials["status"] == "diverged")


def test_accuracy_shows_every_trial_and_every_diverged_run(results: Results, trials: pd.DataFrame) -> None:
    data = accuracy_data(results)
    assert len(data.trials) == len(trials)
    expected = trials.groupby(CELL).agg(
        accuracy=("accuracy", "mean"), low=("accuracy", "min"), high=("accuracy", "max"), n_diverged=("diverged", "sum")
    )
    pd.testing.assert_frame_equal(data.means.set_index(CELL)[list(expected)], expected)
    assert data.threshold == pytest.approx(0.9 * expected["accuracy"].max())
    assert data.title.startswith("batch trains over 3.0 decades of learning rate (the tested rates allow 2.0 to 4.0)")


def test_accuracy_spans_lie_where_the_mean_is_on_or_above_the_bar(results: Results) -> None:
    data = accuracy_data(results)
    trained = data.means[data.means["accuracy"] >= data.threshold]
    for row in trained.itertuples():
        spans = data.spans[(data.spans["norm"] == row.norm) & (data.spans["init_gain"] == row.init_gain)]
        assert ((spans["lr_low"] <= row.lr * 1.0001) & (row.lr <= spans["lr_high"] * 1.0001)).any()
    assert len(trained) > 0


def test_accuracy_tells_what_the_grid_leaves_open_by_gaps_of_which_one_end_trains(results: Results) -> None:
    data = accuracy_data(results)
    at = ["norm", "init", "init_gain", "seed"]
    length = {
        name: np.log10(spans["lr_high"] / spans["lr_low"]).groupby([spans[axis] for axis in at]).sum()
        for name, spans in (("spans", data.spans), ("open", data.open_spans))
    }
    both = pd.DataFrame(length).fillna(0).groupby("norm").mean()
    widths = data.widths.set_index("norm")
    for norm in data.norms:
        assert widths["value"][norm] == pytest.approx(both["spans"][norm])
        assert widths["grid_high"][norm] - widths["grid_low"][norm] == pytest.approx(both["open"][norm])


def test_an_untested_gap_in_a_curve_is_open() -> None:
    scores = np.array([0.1, 0.9, np.nan, 0.9, 0.1])
    found = open_gaps(scores, [0.01, 0.1, 1.0, 10.0, 100.0], 0.5)
    assert found == [pytest.approx((0.01, 0.1)), pytest.approx((10, 100))]


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


def absolute(landscape: pd.DataFrame) -> pd.DataFrame:
    """Return the same walks at absolute lengths, much rougher."""
    return landscape.assign(given_as="alpha", alpha=landscape["lr_multiple"] / 100, loss=landscape["loss"] * 50)


def test_absolute_lengths_have_rows_of_their_own_and_move_nothing_else(results: Results) -> None:
    both = replace(results, landscape=pd.concat([absolute(results.landscape), results.landscape], ignore_index=True))
    alone, data = landscape_data(results), landscape_data(both)
    assert data.title == alone.title
    assert data.lengths == {"lr_multiple": "0.5 to 4 x lr", "alpha": "alpha = 0.005 to 0.04"}
    pd.testing.assert_frame_equal(walks(data.bands, "lr_multiple").reset_index(drop=True), alone.bands)
    width = (data.bands["loss_max"] - data.bands["loss_min"]).groupby(data.bands["given_as"]).median()
    assert width["alpha"] == pytest.approx(50 * width["lr_multiple"])
    labels = [ax.get_ylabel().rpartition("\n")[2] for ax in draw_landscape(data).axes]
    assert [label for label in labels if label] == [length for length in data.lengths.values() for _ in range(2)]


def test_absolute_lengths_alone_are_shown_as_such(results: Results) -> None:
    data = landscape_data(replace(results, landscape=absolute(results.landscape)))
    assert data.title.startswith("Median width of the loss band at alpha = 0.005 to 0.04: ")
    assert list(data.lengths) == ["alpha"]


def test_walks_of_before_the_kind_was_stored_are_refused_with_the_reason(results: Results) -> None:
    with pytest.raises(InputError, match="does not say how its step lengths were given"):
        landscape_data(replace(results, landscape=results.landscape.assign(given_as=None)))


@pytest.mark.parametrize("field", [{"optimizer": "adam"}, {"momentum": 0.9}, {"weight_decay": 0.1}])
def test_the_figure_says_whether_a_step_goes_there(results: Results, field: dict) -> None:
    assert "Plain SGD, as here, steps to 1 x lr." in landscape_data(results).subtitle
    other = landscape_data(replace(results, trials=results.trials.assign(**field)))
    assert "No step of these trials ends there: plain SGD alone" in other.subtitle


def test_ics_leaves_out_the_first_layer(results: Results, sweep_dir: Path) -> None:
    data = ics_data(results)
    assert [layer for layer, _ in data.layers] == [1, 2, 3]
    rows = pd.read_parquet(sweep_dir / "ics").astype({"norm": str})
    rows = rows[(rows["lr"] == 0.1) & (rows["init_gain"] == 1) & (rows["layer"] == 2) & (rows["step"] == 75)]
    expected = (rows["ics_l2"] / rows["grad_norm"]).groupby(rows["norm"]).mean()
    found = data.shifts.query("layer == 2 and step == 75").set_index("norm")["ics_relative_mean"]
    assert found.to_dict() == pytest.approx(expected.to_dict())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_mode_that_overflows_is_the_roughest(results: Results, value: float) -> None:
    smooth = landscape_data(results)
    assert smooth.title.startswith("Median width of the loss band at 0.5 to 4 x lr: batch ")
    assert "Open at the top" not in smooth.subtitle
    rows = results.landscape
    lost = (rows["norm"] == "batch") & (rows["lr_multiple"] > 0.5) & (rows["step"] >= 50) & (rows["seed"] == 1)
    rough = landscape_data(replace(results, landscape=rows.assign(loss=rows["loss"].mask(lost, value))))
    assert rough.title.endswith(", batch unbounded (6 of 8 open)")
    assert "where it overflowed: 6 of 24 of the loss bands." in rough.subtitle
    bands = rough.bands.set_index(["norm", "step"])
    assert np.isinf(bands["loss_max"]["batch", 50])
    assert np.isfinite(bands["loss_min"]["batch", 50])
    assert bands["loss_open"]["batch", 50] == 1


def test_ics_that_overflows_is_the_largest(results: Results) -> None:
    smallest = ics_data(results).title.split(": ")[1].split(" ")[0]
    lost = (results.ics["norm"] == smallest) & (results.ics["step"] == 50)
    assert smallest == "none"
    data = ics_data(replace(results, ics=results.ics.assign(ics_l2=results.ics["ics_l2"].mask(lost, np.nan))))
    assert data.title.split(", ")[-1].startswith("none ")
    assert data.title.endswith("(3 of 24 open)")
    assert "3 of 72 of the ICS bands" in data.subtitle
    at = data.shifts.set_index(["norm", "layer", "step"]).loc[("none", 1, 50)]
    assert (at["ics_l2_max"], at["ics_relative_mean"], at["ics_l2_open"]) == (np.inf, np.inf, 2)


def test_an_ics_relative_to_no_gradient_is_undefined(results: Results) -> None:
    still = results.ics.assign(ics_l2=0.0, grad_norm=0.0)
    data = ics_data(replace(results, ics=still))
    assert data.shifts["ics_relative_mean"].isna().all()
    assert data.title == "Every gradient is zero: no ICS"
    draw_ics(data).draw_without_rendering()


def test_an_open_band_reaches_the_top_and_is_marked() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    steps, low = pd.Series([0, 25, 50]), pd.Series([1.0, 1.0, np.inf])
    limit(ax, [1.0, 4.0, np.inf])
    fill_band(ax, steps, low, pd.Series([2.0, np.inf, np.inf]), "black", 0.5)
    corners = ax.collections[0].get_paths()[0].vertices
    assert np.asarray(corners)[:, 1].max() == ax.get_ylim()[1]
    (marks,) = ax.lines
    assert (list(marks.get_xdata()), marks.get_marker()) == ([25, 50], f"${OPEN}$")


def test_values_that_are_not_finite_break_no_figure(results: Results) -> None:
    landscape, ics = results.landscape.copy(), results.ics.copy()
    landscape.loc[::3, ["loss", "grad_diff_l2"]] = np.inf
    ics.loc[::3, ["ics_l2", "grad_norm"]] = np.nan
    ics.loc[1::3, "grad_norm"] = 0.0
    nothing = {"landscape": landscape.assign(loss=np.nan, grad_diff_l2=np.nan), "ics": ics.assign(ics_l2=np.nan)}
    for broken in (replace(results, landscape=landscape, ics=ics), replace(results, **nothing)):
        for name in ("landscape", "ics"):
            kind = FIGURES[name]
            data = kind.data(broken)
            assert not np.isneginf(next(iter(data.tables.values())).select_dtypes("number")).any(axis=None)
            with style():
                figure = kind.draw(data)
                figure.draw_without_rendering()
            assert figure.get_tightbbox().y1 <= figure.get_size_inches()[1]


def test_without_probes_the_figure_says_what_is_missing(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=1, probes=False))
    results = analysis.load(tmp_path)
    for compute, text in ((landscape_data, "landscape/"), (ics_data, "ics/"), (explains_data, "neither probe")):
        with pytest.raises(InputError, match=text):
            compute(results)


@pytest.mark.parametrize("lrs", [[0.05, 0.1], [0.05, 0.1, 0.2], [0.01, 0.03, 0.1, 0.3], [1e-3, 3e-3, 7e-3]])
def test_a_mode_that_trains_at_every_rate_has_its_bar(tmp_path: Path, lrs: list[float]) -> None:
    """Its width is that of all tested rates, in which rounding must not lead to an error bar of less than nothing."""
    write_sweep(tmp_path, make_specs(["none", "batch"], gains=[1.0], lrs=lrs, num_seeds=3, probes=False))
    results = analysis.load(tmp_path)
    everywhere = replace(results, trials=results.trials.assign(test_acc=0.9, status="completed"))
    data = accuracy_data(everywhere)
    assert data.widths["value"].tolist() == pytest.approx([np.log10(lrs[-1] / lrs[0])] * 2)
    assert ((data.widths["low"] <= data.widths["value"]) & (data.widths["value"] <= data.widths["high"])).all()
    draw_accuracy(data)


def test_every_mode_has_a_look_of_its_own() -> None:
    assert tuple(NORM_STYLES) == NORM_ORDER
    for trait in ("color", "on_dark", "marker", "line"):
        assert len({getattr(look, trait) for look in NORM_STYLES.values()}) == len(NORM_STYLES)
    with pytest.raises(InputError, match=r"no mode 'bach'.*did you mean 'batch'"):
        norm_style("bach")


@pytest.mark.long
def test_a_heatmap_of_more_cells_than_dots_is_a_picture(tmp_path: Path) -> None:
    specs = make_specs(["batch"], gains=np.logspace(-1, 1, 450).tolist(), lrs=[0.01, 0.1], num_seeds=1, probes=False)
    write_sweep(tmp_path, specs)
    data = heatmap_data(analysis.load(tmp_path))
    assert data.layout.is_dense
    fig = draw_heatmap(data)
    (image,) = fig.axes[0].images
    assert np.allclose(np.asarray(image.get_array()), data.matrix("batch", specs[0].init, "accuracy"), atol=0.005)
    assert not [patch for patch in fig.axes[0].patches if isinstance(patch, Rectangle)]
    assert len(fig.axes[0].get_yticks()) <= 10
    assert clipped(fig, rendered(fig)) == []
