"""Sharpness and beta against the edge of stability: the data by bare pandas, and where they are drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.loading import Results
from analysis.plots.curvature import LOWEST, curvature_data, draw_curvature
from bnsweep.errors import InputError
from tests.synthetic import make_specs, write_sweep

AT = ["norm", "lr", "step"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("curved")
    write_sweep(directory, make_specs(curvature=True))
    return directory


@pytest.fixture(scope="module")
def sharp(directory: Path) -> Results:
    """Sharpness falls with the step and differs by norm and seed; the optimizer's own and its edge are others."""
    results = analysis.load(directory)
    rows = results.curvature
    factor = rows["norm"].astype(str).map({"none": 1.5, "batch": 0.1, "noisy_batch": 0.3})
    sharpness = rows["two_over_lr"] * factor / (1 + rows["seed"]) / (1 + rows["step"])
    own = {"sharpness": sharpness, "optimizer_sharpness": 3 * sharpness, "stability_limit": 3.8 / rows["lr"]}
    return replace(results, curvature=rows.assign(**own))


def test_the_curves_are_means_and_ranges_over_seeds(sharp: Results) -> None:
    rows = sharp.curvature[sharp.curvature["init_gain"] == 1]
    expected = rows.groupby(AT)["optimizer_sharpness"].agg(["mean", "min", "max"])
    curves = curvature_data(sharp).curves.query("measure == 'sharpness'").set_index(AT)
    np.testing.assert_allclose(curves[["mean", "low", "high"]], expected)
    np.testing.assert_allclose(curves["edge"], 3.8 / curves.index.get_level_values("lr"))


def test_beta_is_the_largest_on_the_walk_and_infinite_where_it_overflowed(sharp: Results, directory: Path) -> None:
    rows = pd.read_parquet(directory / "landscape").astype({"norm": str})
    rows = rows[(rows["init_gain"] == 1) & (rows["norm"] == "none")]
    tame, wild = rows[(rows["lr"] == 0.1) & (rows["step"] == 50)], rows[rows["beta"].isna()]
    curves = curvature_data(sharp).curves.query("measure == 'beta'").set_index(AT)
    assert curves["mean"]["none", 0.1, 50] == pytest.approx(tame.groupby("seed")["beta"].max().mean())
    assert len(wild) > 0
    for lr, step in {(float(lr), int(step)) for lr, step in zip(wild["lr"], wild["step"], strict=True)}:
        assert curves["mean"]["none", lr, step] == np.inf
        assert curves["open"]["none", lr, step] >= 1


def test_the_title_is_the_ratio_to_the_edge_at_the_reference_rate(sharp: Results) -> None:
    rows = sharp.curvature[(sharp.curvature["init_gain"] == 1) & (sharp.curvature["lr"] == 0.1)].astype({"norm": str})
    by_step = (rows["optimizer_sharpness"] / rows["stability_limit"]).groupby([rows["norm"], rows["step"]]).mean()
    expected = by_step.groupby("norm").median()
    named = ", ".join(f"{norm} {expected[norm]:.2g}" for norm in ("batch", "noisy_batch", "none"))
    assert curvature_data(sharp).title.endswith(f"sharpness at lr 0.1, 1 being the edge of stability: {named}")


def test_a_sharpness_that_did_not_converge_is_left_out_and_one_that_overflowed_is_open(sharp: Results) -> None:
    rows = sharp.curvature
    is_batch = rows["norm"] == "batch"
    unknown = rows["sharpness"].mask(is_batch & (rows["step"] == 100), np.nan)
    found = unknown.mask(is_batch & (rows["step"] == 0), np.inf)
    reasons = rows["reason"].astype(object).mask(unknown.isna(), "no luck")
    data = curvature_data(
        replace(sharp, curvature=rows.assign(sharpness=found, optimizer_sharpness=found, reason=reasons))
    )
    assert f"{unknown.isna().sum()} of {len(rows)} sharpnesses are not known, mostly: no luck." in data.subtitle
    curves = data.curves.query("measure == 'sharpness' and norm == 'batch'")
    assert set(curves["step"]) == {0}
    assert data.title.endswith("batch unbounded")
    assert "of the sharpness bands" in data.subtitle


@pytest.mark.parametrize(("table", "measures"), [("curvature", ["beta"]), ("landscape", ["sharpness"])])
def test_one_probe_alone_is_drawn_and_the_other_named(sharp: Results, table: str, measures: list[str]) -> None:
    data = curvature_data(replace(sharp, **{table: getattr(sharp, table).iloc[:0]}))
    assert data.measures == measures
    assert data.subtitle.endswith(f"No rows in {table}/: the sweep file does not ask for it.")
    assert len(draw_curvature(data).axes) == len(data.lrs)


def test_without_either_probe_the_figure_says_what_is_missing(sharp: Results) -> None:
    walked = sharp.landscape.iloc[:0]
    with pytest.raises(InputError, match="no rows in landscape/"):
        curvature_data(replace(sharp, curvature=sharp.curvature.iloc[:0], landscape=walked))
    unknown = sharp.curvature.assign(sharpness=np.nan, optimizer_sharpness=np.nan)
    with pytest.raises(InputError, match="no sharpness that is known"):
        curvature_data(replace(sharp, curvature=unknown, landscape=walked))


def test_the_edge_is_the_optimizers_own_and_for_beta_two_over_each_rate(sharp: Results) -> None:
    data = curvature_data(sharp)
    axes = draw_curvature(data).axes
    assert data.lrs == [0.001, 0.01, 0.1, 1, 10]
    edges = [*(3.8 / lr for lr in data.lrs), *(2 / lr for lr in data.lrs)]
    for ax, edge in zip(axes, edges, strict=True):
        assert any(np.allclose(line.get_ydata(), edge) for line in ax.lines if line.get_linestyle() == ":")
    assert "Full batches" in data.subtitle


def test_the_edge_of_beta_is_that_of_the_rate_of_each_step(sharp: Results) -> None:
    """As a schedule moves it: a walk to multiples of lr is as long as it says."""
    later = sharp.landscape["step"] > 50
    rows = sharp.landscape.assign(alpha=sharp.landscape["alpha"] / np.where(later, 4, 1))
    data = curvature_data(replace(sharp, landscape=rows))
    curves = data.curves.query("measure == 'beta'")
    np.testing.assert_allclose(curves["edge"], np.where(curves["step"] > 50, 8, 2) / curves["lr"])
    ax, lr = draw_curvature(data).axes[len(data.lrs)], data.lrs[0]
    (dotted,) = (line for line in ax.lines if line.get_linestyle() == ":")
    assert list(dotted.get_ydata()) == pytest.approx(
        [(8 if step > 50 else 2) / lr for step in sorted(set(rows["step"]))]
    )


def test_steps_that_were_clipped_are_left_out_and_counted(sharp: Results) -> None:
    rows = sharp.curvature
    is_clipped = rows["step"] == 0
    none = rows[["optimizer_sharpness", "stability_limit"]].mask(is_clipped)
    data = curvature_data(replace(sharp, curvature=rows.assign(**none)))
    assert set(data.curves.query("measure == 'sharpness'")["step"]) == set(rows["step"]) - {0}
    assert f"{is_clipped.sum()} of {len(rows)} are of steps without an edge" in data.subtitle


OTHER_THAN_PLAIN = [
    {"optimizer": "adam"},
    {"momentum": 0.9},
    {"weight_decay": 0.01},
    {"clip_norm": 1.0},
    {"trial": "mine:loop"},
]


@pytest.mark.parametrize("other", OTHER_THAN_PLAIN, ids=str)
def test_beta_has_an_edge_by_plain_sgd_alone(sharp: Results, other: dict[str, object]) -> None:
    data = curvature_data(replace(sharp, trials=sharp.trials.assign(**other)))
    has_edge = data.curves["edge"].notna().groupby(data.curves["measure"]).agg(["all", "any"])
    assert has_edge.to_dict("index") == {
        "beta": {"all": False, "any": False},
        "sharpness": {"all": True, "any": True},
    }
    assert "beta has none" in data.subtitle


def test_where_beta_has_no_edge_none_is_drawn(sharp: Results) -> None:
    data = curvature_data(replace(sharp, trials=sharp.trials.assign(momentum=0.9)))
    dotted = [any(line.get_linestyle() == ":" for line in ax.lines) for ax in draw_curvature(data).axes]
    assert dotted == [True] * len(data.lrs) + [False] * len(data.lrs)


def test_without_an_edge_the_hessians_own_sharpness_is_drawn(sharp: Results) -> None:
    """As under clipping, and in results of earlier versions."""
    none = {"optimizer_sharpness": np.nan, "stability_limit": np.nan}
    bare = replace(sharp, curvature=sharp.curvature.assign(**none), landscape=sharp.landscape.iloc[:0])
    data = curvature_data(bare)
    own = curvature_data(sharp).curves.query("measure == 'sharpness'")
    np.testing.assert_allclose(3 * data.curves["mean"], own["mean"])
    assert "no edge of stability being known" in data.title
    assert not any(line.get_linestyle() == ":" for ax in draw_curvature(data).axes for line in ax.lines)


def test_of_many_rates_the_reference_one_is_drawn(tmp_path: Path) -> None:
    lrs = [float(lr) for lr in np.logspace(-3, 1, 13)]
    write_sweep(tmp_path, make_specs(norms=["none"], gains=[1.0], lrs=lrs, num_seeds=1))
    results = analysis.load(tmp_path)
    best = results.trials.sort_values("test_acc")["lr"].iloc[-1]
    data = curvature_data(results)
    assert len(data.lrs) == 5
    assert best in data.lrs


def test_a_flat_network_has_a_place_at_the_bottom(sharp: Results) -> None:
    data = curvature_data(replace(sharp, curvature=sharp.curvature.assign(sharpness=0.0, optimizer_sharpness=0.0)))
    axes = draw_curvature(data).axes
    for ax in axes[: len(data.lrs)]:
        assert ax.get_yscale() == "log"
        assert ax.get_ylim()[0] <= LOWEST * 0.2 <= ax.get_ylim()[1]
