from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, ttest_1samp
from scipy.stats import norm as normal

import analysis
from analysis.loading import Results
from analysis.measures import MEASURES
from analysis.measures.scores import final_score
from analysis.statistics.nan_aware import Floats
from analysis.tables import difference_table, robustness_table
from analysis.tables.differences import DIFFERENCE_COLUMNS
from bnsweep.errors import InputError
from bnsweep.spec import TrialSpec
from tests.synthetic import make_specs, write_sweep


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    return robustness_table(results)


def expected_decades(directory: Path, norm: str, gain: float) -> list[float]:
    """The width by seed, by bare pandas: the mean over all places of the edges in the gaps that they lie in."""
    trials = pd.read_parquet(directory / "trials").astype({"norm": str})
    trials["accuracy"] = trials["test_acc"].fillna(0.1)
    curves = trials.set_index(["norm", "init_gain", "lr"]).sort_index()
    widths = []
    for seed in sorted(trials["seed"].unique()):
        of_seed = curves[curves["seed"] == seed]["accuracy"]
        trains = (of_seed[norm, gain] >= 0.9 * of_seed.max()).to_numpy(float)
        widths.append(float(np.trapezoid(trains)))  # rates are a decade apart
    return widths


def one(table: pd.DataFrame, **where: object) -> pd.Series:  # type: ignore[type-arg]
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.fixture(scope="module")
def five_seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("five")
    write_sweep(directory, make_specs(num_seeds=5, probes=False))
    return directory


@pytest.fixture(scope="module")
def five(five_seeds: Path) -> Results:
    return analysis.load(five_seeds)


@pytest.fixture(scope="module")
def of_five(five: Results) -> pd.DataFrame:
    return robustness_table(five)


@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch"])
def test_widths_are_those_of_bare_pandas(five_seeds: Path, of_five: pd.DataFrame, norm: str) -> None:
    by_gain = [expected_decades(five_seeds, norm, gain) for gain in (0.5, 1.0, 2.0)]
    for gain, expected in zip(("0.5", "1", "2"), by_gain, strict=True):
        row = one(of_five, norm=norm, init_gain=gain, measure="trainable_decades")
        assert row["value"] == pytest.approx(np.mean(expected))
    pooled = one(of_five, norm=norm, init_gain="all", measure="trainable_decades")
    assert pooled["value"] == pytest.approx(np.mean(by_gain))
    assert pooled["grid_low"] <= pooled["value"] <= pooled["grid_high"]


@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch"])
def test_intervals_are_of_seeds_and_grid_at_the_level_that_is_spent(
    five: Results, of_five: pd.DataFrame, norm: str
) -> None:
    row = one(of_five, norm=norm, init_gain="all", measure="mean_accuracy")
    by_seed, open_by_seed = areas(five)[norm]
    level = 1 - 0.025 / 5
    t_low = ttest_1samp(by_seed, 0).confidence_interval(level).low
    reach = np.hypot(by_seed.mean() - t_low, normal.ppf(1 - 0.0125) * open_by_seed.mean())
    assert [row["low"], row["high"]] == pytest.approx([row["value"] - reach, min(row["value"] + reach, 1)])


def areas(results: Results) -> dict[str, tuple[Floats, Floats]]:
    """Return by mode the area of each seed, and the standard deviation that the grid leaves to it; by bare pandas."""
    trials = results.trials.assign(accuracy=final_score(results.trials)).sort_values("lr")
    found = {}
    for norm, part in trials.groupby("norm", observed=True):
        curves = [
            [curve["accuracy"].to_numpy() for _, curve in of_seed.groupby("init_gain")]
            for _, of_seed in part.groupby("seed")
        ]
        area = np.array([np.mean([np.trapezoid(curve) / 4 for curve in of_seed]) for of_seed in curves])
        best = trials.groupby("seed")["accuracy"].max().to_numpy()
        sd = [np.mean([open_sd(curve, best[s]) for curve in of_seed]) for s, of_seed in enumerate(curves)]
        found[str(norm)] = area, np.array(sd)
    return found


def open_sd(curve: Floats, best: float) -> float:
    """Return the standard deviation that the grid leaves to a curve's area: of its course, and of what may hide."""
    bar = max(0.9 * curve.max(), 0.15)
    is_seen = ((curve[1:] >= bar) & (curve[:-1] >= bar)).any()
    hidden = 0.0 if is_seen else best - curve.max()
    return float(np.sqrt(((np.diff(curve) ** 2).sum() + 2 * hidden**2) / 12) / 4)


def test_known_truth_is_found(table: pd.DataFrame) -> None:
    widths = table[(table["measure"] == "trainable_decades") & (table["init_gain"] == "all")].set_index("norm")
    assert list(widths.loc["batch", ["grid_low", "value", "grid_high"]]) == [2, 3, 4]
    assert list(widths.loc["none", ["grid_low", "value", "grid_high"]]) == [0, 1, 2]


def test_divergence_counts_every_diverged_run(five_seeds: Path, of_five: pd.DataFrame) -> None:
    trials = pd.read_parquet(five_seeds / "trials").astype({"norm": str})
    for norm, part in trials.groupby("norm"):
        row = one(of_five, norm=norm, init_gain="all", measure="divergence_rate")
        assert (row["n_diverged"], row["n_trials"]) == ((part["status"] == "diverged").sum(), len(part))
        assert row["value"] == pytest.approx(row["n_diverged"] / row["n_trials"])
        wilson = binomtest(int(row["n_diverged"]), len(part)).proportion_ci(method="wilson")
        assert row["low"] <= wilson.low
        assert row["high"] >= wilson.high
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1


@pytest.mark.parametrize("num_seeds", [1, 2])
def test_few_seeds_give_values_without_intervals(num_seeds: int, tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=num_seeds, probes=False))
    results = analysis.load(tmp_path)
    for table in (robustness_table(results), difference_table(results)):
        assert table["value"].notna().all()
        assert table[["low", "high"]].isna().all(axis=None)
        assert (table["n_seeds"] == num_seeds).all()


def test_differences_are_paired(five: Results) -> None:
    differences, table = difference_table(five), robustness_table(five)
    for measure, kind in MEASURES.items():
        row = one(differences, norm="batch", init_gain="all", measure=measure)
        values = [one(table, norm=norm, init_gain="all", measure=measure)["value"] for norm in ("batch", "none")]
        assert row["value"] == pytest.approx(values[0] - values[1])
        if kind.interval and np.isfinite(row["low"]):
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
    assert len(same) == len(MEASURES) + 3 * (len(MEASURES) - 4)  # four take several inits or gains
    assert (same["value"].dropna() == 0).all()
    assert (same["low"].dropna() <= 0).all()
    assert (same["high"].dropna() >= 0).all()
    assert (same["grid_low"].dropna() == -same["grid_high"].dropna()).all()


def test_a_sweep_stopped_within_a_seed_says_what_the_whole_seeds_say(tmp_path: Path) -> None:
    specs = make_specs(norms=["none", "batch"], num_seeds=3, probes=False)
    write_sweep(tmp_path / "stopped", specs, keep=lambda spec: spec.seed < 2 or (spec.norm, spec.lr) == ("none", 0.1))
    write_sweep(tmp_path / "whole", specs, keep=lambda spec: spec.seed < 2)
    stopped, whole = (analysis.load(tmp_path / name) for name in ("stopped", "whole"))
    assert len(stopped.trials) == len(whole.trials) + 3
    pd.testing.assert_frame_equal(difference_table(stopped), difference_table(whole))
    pd.testing.assert_frame_equal(robustness_table(stopped), robustness_table(whole))


def test_a_difference_is_the_same_whatever_other_modes_there_are(tmp_path: Path) -> None:
    norms = ["none", "batch", "noisy_batch", "l1", "l2", "linf"]
    write_sweep(tmp_path, make_specs(norms=norms, gains=[1.0], num_seeds=8, probes=False))
    results = analysis.load(tmp_path)
    pair = replace(results, trials=results.trials[results.trials["norm"].isin(["none", "batch"])])
    many, alone = (difference_table(chosen) for chosen in (results, pair))
    own = many[many["norm"] == "batch"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, alone, check_categorical=False)
    row = one(alone, init_gain="all", measure="mean_accuracy")
    by_norm = areas(results)
    effect = by_norm["batch"][0] - by_norm["none"][0]
    t_low = ttest_1samp(effect, 0).confidence_interval(1 - 0.025 / 8).low
    of_grid = np.hypot(by_norm["batch"][1], by_norm["none"][1]).mean()
    assert row["value"] == pytest.approx(effect.mean())
    reach = np.hypot(effect.mean() - t_low, normal.ppf(1 - 0.0125) * of_grid)
    assert [row["low"], row["high"]] == pytest.approx([row["value"] - reach, row["value"] + reach], rel=1e-3)


def test_a_note_says_what_would_resolve_a_difference(five: Results) -> None:
    table = difference_table(five)
    assert tuple(table.columns) == DIFFERENCE_COLUMNS
    is_resolved = (table["low"] > 0) | (table["high"] < 0)
    assert is_resolved.any()
    assert (table.loc[is_resolved, "note"] == "").all()
    has_none = table["measure"].map(lambda name: MEASURES[name].interval is None)
    assert (table.loc[has_none, "note"] == "").all()
    assert table.loc[has_none, ["low", "high"]].isna().all(axis=None)
    told = table[table["note"] != ""]
    assert told["note"].str.contains("would resolve|neither|takes 7").all()
    assert len(told)
    of_grid = table["measure"].map(lambda name: MEASURES[name].grid is not None)
    assert table["grid_low"].notna().tolist() == table["grid_high"].notna().tolist() == of_grid.tolist()


def test_a_mode_that_shares_nothing_with_the_baseline_has_no_rows(tmp_path: Path) -> None:
    write_sweep(tmp_path, keep=lambda spec: (spec.norm == "noisy_batch") == (spec.lr > 0.5))
    results = analysis.load(tmp_path)
    assert set(difference_table(results)["norm"]) == {"batch"}
    assert set(robustness_table(results)["norm"]) == {"none", "batch", "noisy_batch"}


def test_a_mode_without_a_curve_takes_down_nothing(results: Results, table: pd.DataFrame) -> None:
    unknown = results.trials["test_acc"].mask(results.trials["norm"] == "batch")
    status = results.trials["status"].mask(results.trials["norm"] == "batch", "completed")
    lost = replace(results, trials=results.trials.assign(test_acc=unknown, status=status))
    found = robustness_table(lost)
    assert set(found["norm"]) == {"none", "noisy_batch"}
    assert set(difference_table(lost)["norm"]) == {"noisy_batch"}
    nothing = robustness_table(replace(results, trials=results.trials.assign(test_acc=np.nan, status="completed")))
    assert nothing.empty
    assert list(nothing.columns) == list(table.columns)


def test_an_unknown_baseline_is_an_input_error(results: Results) -> None:
    with pytest.raises(InputError, match="no trial has norm 'nune'; allowed: batch, noisy_batch, none; did you mean"):
        difference_table(results, baseline="nune")


def test_what_trains_can_be_judged_by_the_mode_s_own_best(five: Results) -> None:
    accuracy = five.trials["test_acc"].where(five.trials["norm"] != "none", 0.8 * five.trials["test_acc"])
    lowered = replace(five, trials=five.trials.assign(test_acc=accuracy))
    own, anyone = (robustness_table(lowered, 0.95, bar).set_index("measure") for bar in ("own", "any"))
    columns = ["norm", "init", "init_gain", "value", "low", "high", "grid_low", "grid_high", "n_seeds"]
    expected = anyone.loc["own_decades", columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(own.loc["trainable_decades", columns].reset_index(drop=True), expected)
    shares = [table.loc["trained_share"] for table in (own, anyone)]
    of_own, of_any = (share.loc[share["norm"] == "none", "value"].max() for share in shares)
    assert of_own > of_any == 0
    difference = difference_table(lowered, "none", 0.95, "own").set_index("measure")["value"]
    assert list(difference["trainable_decades"]) == list(difference["own_decades"])


def test_an_unknown_bar_is_an_input_error(results: Results) -> None:
    with pytest.raises(InputError, match="bar: got 'owm'; allowed: any, own; did you mean 'own'"):
        robustness_table(results, bar="owm")  # type: ignore[arg-type]


def test_each_mode_is_measured_by_its_own_results_and_compared_on_what_both_have(tmp_path: Path) -> None:
    write_sweep(tmp_path, keep=lambda spec: spec.norm == "none" or spec.lr < 5)
    results = analysis.load(tmp_path)
    table = robustness_table(results)
    widths = table[(table["measure"] == "trainable_decades") & (table["init_gain"] == "all")].set_index("norm")
    assert widths["n_trials"].to_dict() == {"none": 30, "batch": 24, "noisy_batch": 24}
    assert widths["at_least"].to_dict() == {"none": False, "batch": True, "noisy_batch": True}
    assert not table.loc[table["measure"] == "mean_accuracy", "at_least"].any()
    shared = replace(results, trials=results.trials[results.trials["lr"] < 5])
    pd.testing.assert_frame_equal(difference_table(results), difference_table(shared))


def test_several_inits_are_pooled_too(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(inits=["default", "orthogonal"], gains=[1.0], num_seeds=1, probes=False))
    table = robustness_table(analysis.load(tmp_path))
    pooled = set(zip(table["init"], table["init_gain"], strict=True))
    by_init = {(init, gain) for init in ("default", "orthogonal") for gain in ("all", "1")}
    assert pooled == {("all", "all"), *by_init}


def test_where_every_run_diverges_nothing_trains(tmp_path: Path) -> None:
    write_sweep(tmp_path, diverges=lambda spec: True)  # noqa: ARG005
    table = robustness_table(analysis.load(tmp_path)).set_index("measure")
    assert (table["value"]["trainable_decades"] == 0).all()
    assert (table["value"]["divergence_rate"] == 1).all()
    assert (table["value"]["mean_accuracy"] - 0.1).abs().max() < 1e-9


def test_the_same_data_give_the_same_table(results: Results, table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(robustness_table(results), table)


def test_an_interval_holds_nothing_that_cannot_be(five: Results) -> None:
    """Among runs at chance and runs without a flaw Student's t reaches beyond both."""
    flawless = (five.trials["seed"] + five.trials["lr"].rank(method="dense").astype(int)) % 3 == 0
    accuracy = five.trials["test_acc"].where(five.trials["status"] == "diverged", np.where(flawless, 1.0, 0.1))
    extreme = replace(five, trials=five.trials.assign(test_acc=accuracy))
    table, differences = robustness_table(extreme), difference_table(extreme)
    for name, measure in MEASURES.items():
        most = measure.max_value(sorted(five.trials["lr"].unique()))
        ends, apart = (frame.loc[frame["measure"] == name, ["low", "high"]].dropna() for frame in (table, differences))
        assert ((ends >= 0) & (ends <= most)).all(axis=None)
        assert (apart.abs() <= most).all(axis=None)
    assert (table["high"] == 1).any()
