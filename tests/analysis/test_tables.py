from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import Results
from analysis.grid import final_accuracy
from analysis.tables import MEASURES, difference_table, robustness_table
from bnsweep.errors import InputError
from bnsweep.spec import TrialSpec
from tests.synthetic import make_specs, write_sweep


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    return robustness_table(results)


def expected_decades(directory: Path, norm: str, gain: float, seeds: list[int]) -> float:
    """The width by bare pandas and a dense sampling of the curve."""
    trials = pd.read_parquet(directory / "trials").astype({"norm": str})
    trials = trials[trials["seed"].isin(seeds)]
    trials["accuracy"] = trials["test_acc"].fillna(0.1)
    means = trials.groupby(["norm", "init_gain", "lr"])["accuracy"].mean()
    curve = means[norm, gain]
    dense = np.linspace(-3, 1, 400_001)
    return float((np.interp(dense, np.log10(curve.index), curve) >= 0.9 * means.max()).mean() * 4)


def one(table: pd.DataFrame, **where: object) -> pd.Series:  # type: ignore[type-arg]
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch"])
def test_widths_are_those_of_a_dense_sampling(sweep_dir: Path, table: pd.DataFrame, norm: str) -> None:
    by_gain = [expected_decades(sweep_dir, norm, gain, [0, 1]) for gain in (0.5, 1.0, 2.0)]
    for gain, expected in zip(("0.5", "1", "2"), by_gain, strict=True):
        row = one(table, norm=norm, init_gain=gain, measure="trainable_decades")
        assert row["value"] == pytest.approx(expected, abs=1e-4)
    pooled = one(table, norm=norm, init_gain="all", measure="trainable_decades")
    assert pooled["value"] == pytest.approx(np.mean(by_gain), abs=1e-4)


def test_with_two_seeds_the_interval_is_the_range_of_the_seeds(sweep_dir: Path, table: pd.DataFrame) -> None:
    row = one(table, norm="none", init_gain="0.5", measure="trainable_decades")
    alone = sorted(expected_decades(sweep_dir, "none", 0.5, [seed]) for seed in (0, 1))
    assert [row["low"], row["high"]] == pytest.approx(alone, abs=1e-4)


def test_known_truth_is_found(table: pd.DataFrame) -> None:
    widths = table[(table["measure"] == "trainable_decades") & (table["init_gain"] == "all")].set_index("norm")
    assert widths["value"]["batch"] == pytest.approx(2, abs=0.3)
    assert widths["value"]["none"] < 0.3
    assert (widths["grid_low"] <= widths["value"]).all()
    assert (widths["value"] <= widths["grid_high"]).all()
    assert list(widths.loc["batch", ["grid_low", "grid_high"]]) == [2, 4]


def test_divergence_counts_every_diverged_run(sweep_dir: Path, table: pd.DataFrame) -> None:
    trials = pd.read_parquet(sweep_dir / "trials").astype({"norm": str})
    for norm, part in trials.groupby("norm"):
        row = one(table, norm=norm, init_gain="all", measure="divergence_rate")
        assert (row["n_diverged"], row["n_trials"]) == ((part["status"] == "diverged").sum(), len(part))
        assert row["value"] == pytest.approx(row["n_diverged"] / row["n_trials"])
        rates = (part["status"] == "diverged").groupby(part["seed"]).mean()
        assert [row["low"], row["high"]] == pytest.approx([rates.min(), rates.max()])  # resampled are the two seeds


def test_one_seed_gives_values_without_intervals(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=1))
    table = robustness_table(analysis.load(tmp_path))
    assert table["value"].notna().all()
    assert table[["low", "high"]].isna().all(axis=None)
    assert (table["n_seeds"] == 1).all()


def test_differences_are_paired(results: Results, table: pd.DataFrame) -> None:
    differences = difference_table(results)
    for measure in MEASURES:
        row = one(differences, norm="batch", init_gain="all", measure=measure)
        values = [one(table, norm=norm, init_gain="all", measure=measure)["value"] for norm in ("batch", "none")]
        assert row["value"] == pytest.approx(values[0] - values[1])
        assert row["low"] <= row["value"] <= row["high"]
    assert set(differences["norm"]) == {"batch", "noisy_batch"}


def is_kept(spec: TrialSpec) -> bool:
    """Leave out about a quarter of the trials, of other seeds for each mode."""
    return crc32(f"{spec.norm} {spec.init_gain} {spec.lr} {spec.seed}".encode()) % 4 > 0


def test_identical_modes_with_ragged_seeds_do_not_differ(tmp_path: Path) -> None:
    specs = make_specs(norms=["none", "l1", "l2"], num_seeds=4, probes=False)  # l1 and l2 have the same accuracies
    write_sweep(tmp_path, specs, keep=is_kept)
    results = analysis.load(tmp_path)
    assert 0.6 < len(results.trials) / len(specs) < 0.9
    differences = difference_table(results, baseline="l1")
    same = differences[differences["norm"] == "l2"]
    assert len(same) == 4 * 3
    assert (same["value"] == 0).all()
    assert same[["low", "high"]].fillna(0).eq(0).all(axis=None)


def test_a_sweep_stopped_within_a_seed_says_what_the_whole_seeds_say(tmp_path: Path) -> None:
    specs = make_specs(norms=["none", "batch"], num_seeds=3, probes=False)
    write_sweep(tmp_path / "stopped", specs, keep=lambda spec: spec.seed < 2 or (spec.norm, spec.lr) == ("none", 0.1))
    write_sweep(tmp_path / "whole", specs, keep=lambda spec: spec.seed < 2)
    stopped, whole = (analysis.load(tmp_path / name) for name in ("stopped", "whole"))
    assert len(stopped.trials) == len(whole.trials) + 3
    pd.testing.assert_frame_equal(difference_table(stopped), difference_table(whole))
    pd.testing.assert_frame_equal(robustness_table(stopped), robustness_table(whole))


def test_differences_are_simultaneous_over_the_modes(tmp_path: Path) -> None:
    norms = ["none", "batch", "noisy_batch", "l1", "l2", "linf"]
    write_sweep(tmp_path, make_specs(norms=norms, gains=[1.0], num_seeds=8, probes=False))
    results = analysis.load(tmp_path)
    pair = replace(results, trials=results.trials[results.trials["norm"].isin(["none", "batch"])])
    where = {"norm": "batch", "init_gain": "all", "measure": "mean_accuracy"}
    many, alone = (one(difference_table(chosen), **where) for chosen in (results, pair))
    assert (many["n_compared"], alone["n_compared"]) == (5, 1)
    assert many["value"] == pytest.approx(alone["value"])
    assert many["low"] < alone["low"] < alone["high"] < many["high"]
    by_seed = results.trials.assign(accuracy=final_accuracy(results.trials), x=np.log10(results.trials["lr"]))
    areas = by_seed.sort_values("x").groupby(["norm", "seed"], observed=True)[["x", "accuracy"]]
    mean = areas.apply(lambda part: np.trapezoid(part["accuracy"], part["x"]) / 4)
    effect = (mean["batch"] - mean["none"]).to_numpy()
    draws = effect[np.random.default_rng(1).integers(8, size=(50_000, 8))].mean(axis=1)
    assert [many["low"], many["high"]] == pytest.approx(list(np.percentile(draws, [0.5, 99.5])), abs=0.002)


def test_an_unknown_baseline_is_an_input_error(results: Results) -> None:
    with pytest.raises(InputError, match="no trial has norm 'nune'; allowed: batch, noisy_batch, none; did you mean"):
        difference_table(results, baseline="nune")


def test_a_stopped_sweep_compares_modes_at_the_points_that_all_have(tmp_path: Path) -> None:
    write_sweep(tmp_path, keep=lambda spec: spec.norm == "none" or spec.lr < 5)
    table = robustness_table(analysis.load(tmp_path))
    widths = table[(table["measure"] == "trainable_decades") & (table["init_gain"] == "all")].set_index("norm")
    assert (widths["n_trials"] == 2 * 3 * 4).all()
    assert widths["at_least"]["batch"]
    assert not widths["at_least"]["none"]


def test_several_inits_are_pooled_too(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(inits=["default", "orthogonal"], gains=[1.0], num_seeds=1, probes=False))
    table = robustness_table(analysis.load(tmp_path))
    scopes = set(zip(table["init"], table["init_gain"], strict=True))
    assert scopes == {("all", "all"), ("default", "all"), ("orthogonal", "all"), ("default", "1"), ("orthogonal", "1")}


def test_where_every_run_diverges_nothing_trains(tmp_path: Path) -> None:
    write_sweep(tmp_path, diverges=lambda spec: True)  # noqa: ARG005
    table = robustness_table(analysis.load(tmp_path)).set_index("measure")
    assert (table["value"]["trainable_decades"] == 0).all()
    assert (table["value"]["divergence_rate"] == 1).all()
    assert (table["value"]["mean_accuracy"] - 0.1).abs().max() < 1e-9


def test_the_same_data_give_the_same_table(results: Results, table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(robustness_table(results), table)
