"""The curves of training against bare pandas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis.loading import Results
from analysis.plots.training import draw_training, training_data
from analysis.plots.training.data import MAX_RATES, NUM_BLOCKS_OF_MANY
from bnsweep.errors import InputError
from tests.synthetic import make_specs, write_sweep


def test_training_curves_are_means_over_seeds_of_blocks_of_steps(results: Results, sweep_dir: Path) -> None:
    data = training_data(results)
    rows = pd.read_parquet(sweep_dir / "curves").astype({"norm": str, "init": str})
    gain = float(data.subtitle.partition("gain ")[2].partition(",")[0])
    rows = rows[rows["lr"].isin(data.lrs) & (rows["init_gain"] == gain)]
    drawn = data.curves.astype({"norm": str}).set_index(["part", "lr", "norm", "step"]).sort_index()
    steps, width = int(results.trials["steps"].max()), 4
    assert width == steps // 50
    blocks = rows.assign(step=rows["step"] // width * width + width // 2)
    by_seed = blocks.groupby(["lr", "norm", "step", "seed"])["train_acc"].mean().dropna()
    expected = by_seed.groupby(["lr", "norm", "step"]).mean()
    pd.testing.assert_series_equal(drawn.loc["training", "mean"], expected, check_names=False)


def test_test_curves_are_means_and_ranges_over_seeds(results: Results) -> None:
    curves = results.curves.assign(test_acc=results.curves["step"] / 1000 + results.curves["seed"] / 10)
    curves["test_acc"] = curves["test_acc"].where(curves["step"] % 50 == 0)
    tested = training_data(replace(results, curves=curves)).curves.query("part == 'test'")
    whole = tested[tested["n_seeds"] == 2]
    assert whole["step"].nunique() > 2
    assert whole["mean"].tolist() == pytest.approx((whole["step"] / 1000 + 0.05).tolist())
    assert whole["low"].tolist() == pytest.approx((whole["step"] / 1000).tolist())
    assert whole["high"].tolist() == pytest.approx((whole["step"] / 1000 + 0.1).tolist())


def test_few_learning_rates_are_all_drawn_and_of_many_those_at_which_something_trains(
    results: Results, tmp_path: Path
) -> None:
    few = training_data(results)
    assert len(few.lrs) <= MAX_RATES
    write_sweep(tmp_path, make_specs(("none", "batch"), lrs=(0.01, 0.1), num_seeds=1, probes=False))
    assert training_data(analysis.load(tmp_path)).lrs == [0.01, 0.1]


def test_a_line_says_how_many_of_its_seeds_had_diverged(results: Results) -> None:
    curves = training_data(results).curves.astype({"norm": str})
    lost = results.trials[results.trials["status"] == "diverged"].astype({"norm": str})
    shown = curves.merge(lost[["lr", "norm", "stop_step"]].drop_duplicates(["lr", "norm"]), on=["lr", "norm"])
    assert (shown.loc[shown["step"] >= shown["stop_step"], "n_ended"] > 0).all()
    assert (curves.loc[~curves["lr"].isin(lost["lr"]), "n_ended"] == 0).all()


def test_of_many_modes_the_lines_are_smoother_and_have_no_bands(tmp_path: Path) -> None:
    norms = ("none", "batch", "noisy_batch", "layer", "group", "rms")
    write_sweep(tmp_path, make_specs(norms, lrs=(0.1, 1.0), num_seeds=1, probes=False))
    data = training_data(analysis.load(tmp_path))
    assert "bands" not in data.subtitle
    per_line = data.curves[data.curves["part"] == "training"].groupby(["lr", "norm"], observed=True).size()
    assert per_line.max() <= NUM_BLOCKS_OF_MANY + 1
    assert not any(ax.collections for ax in draw_training(data).axes)


def test_without_an_evaluation_before_the_end_there_is_no_row_of_the_test(results: Results) -> None:
    last = results.curves["step"] == results.curves["step"].max()
    untested = replace(results, curves=results.curves.assign(test_acc=results.curves["test_acc"].where(last)))
    data = training_data(untested)
    assert set(data.curves["part"]) == {"training"}
    assert data.subtitle.endswith("train.eval_every.")
    assert {ax.get_ylabel() for ax in draw_training(data).axes} - {""} == {"training accuracy"}


def test_a_directory_without_curves_is_refused(results: Results) -> None:
    with pytest.raises(InputError, match="curves/"):
        training_data(replace(results, curves=results.curves.iloc[:0]))


def test_without_accuracies_the_curves_are_losses_and_without_either_there_is_no_figure(results: Results) -> None:
    bare = replace(results, curves=results.curves.assign(train_acc=float("nan"), test_acc=float("nan")))
    data = training_data(bare)
    assert data.measure == "loss"
    assert {"training loss"} <= {ax.get_ylabel() for ax in draw_training(data).axes}
    nothing = replace(bare, curves=bare.curves.assign(train_loss=float("nan"), test_loss=float("nan")))
    with pytest.raises(InputError, match="no curve of accuracy or loss"):
        training_data(nothing)
