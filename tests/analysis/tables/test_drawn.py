"""The tables of trials that a search drew, against bare pandas and known truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import Results, load, share_table, tuning_table
from analysis.claims.verdicts import judge
from analysis.loading.drawn import drawn_values
from analysis.measures.pooling import ALL
from analysis.statistics.intervals import even_share_interval, seed_interval, share_interval
from analysis.tables.shares import SHARE_COLUMNS
from analysis.tables.tuning import TUNING_COLUMNS
from bnsweep.errors import InputError
from bnsweep.search import End, Qmc, Random, Search, Space
from bnsweep.spec.ranges import Range
from tests.synthetic.drawn import TEXT, write_drawn

RANGES = ("lr", "train.momentum", "init_gain")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drawn") / "qmc"
    write_drawn(path, "{name: qmc, points: 16}")
    return path


@pytest.fixture(scope="module")
def drawn(directory: Path) -> Results:
    return load(directory)


@pytest.fixture(scope="module")
def bare(directory: Path, drawn: Results) -> pd.DataFrame:
    """The trials by bare pandas, in the order in which they were declared."""
    assert drawn.declared is not None
    trials = pd.read_parquet(directory / "trials").astype({"norm": str}).set_index("trial_key")
    trials = trials.loc[drawn.declared["trial_keys"]].reset_index()
    return trials.assign(score=trials["test_acc"].fillna(0.1))


def test_what_is_drawn_is_no_setting(drawn: Results) -> None:
    assert len(drawn.trials) == 3 * 4 * 16
    assert drawn.settings.levels == {}
    assert drawn.drawn is not None
    assert (drawn.drawn.name, *drawn.drawn.ranges) == ("qmc", *RANGES)


def test_values_are_those_of_the_specs(drawn: Results) -> None:
    assert drawn.drawn is not None
    values = drawn_values(drawn.trials, drawn.drawn)
    assert tuple(values) == RANGES
    specs = [json.loads(spec) for spec in drawn.trials["spec"]]
    assert values["train.momentum"].tolist() == [spec["train"]["momentum"] for spec in specs]
    assert values["lr"].tolist() == drawn.trials["lr"].tolist()


def test_a_trial_may_differ_from_another_in_what_is_drawn_alone(tmp_path: Path) -> None:
    text = TEXT.replace("lr: {loguniform: [1.0e-3, 10]}", "lr: [0.1]").replace(
        "  init_gain: {loguniform: [0.25, 4]}\n", ""
    )
    write_drawn(tmp_path / "out", "{name: random, points: 5}", text)
    assert len(load(tmp_path / "out").trials) == 3 * 4 * 5


def test_the_share_is_that_of_the_points_that_train(drawn: Results, bare: pd.DataFrame) -> None:
    table = share_table(drawn)
    assert tuple(table.columns) == SHARE_COLUMNS
    assert table["norm"].tolist() == ["none", "batch", "noisy_batch"]
    bars = np.maximum(0.9 * bare.groupby("seed")["score"].transform("max"), 0.15)
    by_seed = (bare["score"] >= bars).groupby([bare["norm"], bare["seed"]]).mean()
    for row in table.astype({"norm": str}).itertuples():
        mine = by_seed[row.norm]
        assert row.value == pytest.approx(mine.mean())
        assert (row.n_seeds, row.n_trials, row.init_gain) == (4, 64, ALL)
        assert row.n_diverged == (bare[bare["norm"] == row.norm]["status"] == "diverged").sum()
        count = np.array([round(mine.sum() * 16)])
        low, high = even_share_interval(count, np.array([64]), mine.to_numpy()[None])
        assert (row.low, row.high) == pytest.approx((low[0], high[0]))
        less = mine - by_seed["none"]
        assert np.isnan(row.difference) if row.norm == "none" else row.difference == pytest.approx(less.mean())
        if row.norm != "none":
            low, high = seed_interval(less.to_numpy()[None], least=-1, most=1)
            assert (row.difference_low, row.difference_high) == pytest.approx((low[0], high[0]))


def test_the_bar_may_be_the_modes_own_and_another_fraction(drawn: Results, bare: pd.DataFrame) -> None:
    table = share_table(drawn, fraction=0.5, bar="own").astype({"norm": str}).set_index("norm")["value"]
    bars = np.maximum(0.5 * bare.groupby(["norm", "seed"])["score"].transform("max"), 0.15)
    assert table.to_dict() == pytest.approx((bare["score"] >= bars).groupby(bare["norm"]).mean().to_dict())


def test_tuning_counts_trials_in_the_order_in_which_they_were_asked_for(drawn: Results, bare: pd.DataFrame) -> None:
    table = tuning_table(drawn, within=0.02).astype({"norm": str})
    assert tuple(table.columns) == (*TUNING_COLUMNS, *(f"at {name}" for name in RANGES))
    for row in table.to_dict("records"):
        mine = bare[bare["norm"] == row["norm"]]
        needed, best = [], []
        for _, one in mine.groupby("seed"):
            best.append(one["score"].max())
            needed.append(1 + next(k for k, score in enumerate(one["score"]) if score >= best[-1] - 0.02))
        assert row["trials"] == pytest.approx(np.mean(needed))
        assert row["best"] == pytest.approx(np.mean(best))
        assert row["n_late"] == sum(number > 12 for number in needed)
        chosen = mine.loc[mine["score"].idxmax()]
        assert (row["trial_key"], row["score"]) == (chosen["trial_key"], chosen["score"])
        assert row["at init_gain"] == chosen["init_gain"]
        assert row["at train.momentum"] == json.loads(chosen["spec"])["train"]["momentum"]


def test_rows_in_the_store_may_be_in_any_order(drawn: Results, directory: Path, tmp_path: Path) -> None:
    specs = write_drawn(tmp_path / "other", "{name: qmc, points: 16}", batch=7)
    assert len(specs) == len(drawn.trials)
    pd.testing.assert_frame_equal(tuning_table(load(tmp_path / "other")), tuning_table(load(directory)))


def test_a_search_that_is_not_over_has_what_there_is(tmp_path: Path) -> None:
    write_drawn(tmp_path / "out", "{name: qmc, points: 16}", keep=lambda spec: spec.norm != "batch" or spec.seed < 3)
    results = load(tmp_path / "out")
    shares, tuned = (table.set_index("norm") for table in (share_table(results), tuning_table(results)))
    assert shares["n_seeds"].to_dict() == tuned["n_seeds"].to_dict() == {"none": 4, "batch": 3, "noisy_batch": 4}


def test_what_is_listed_has_rows_of_its_own(tmp_path: Path) -> None:
    text = TEXT.replace("init_gain: {loguniform: [0.25, 4]}", "init_gain: [0.5, 2]\n  train.weight_decay: [0.0, 0.1]")
    write_drawn(tmp_path / "out", "{name: random, points: 4}", text)
    table = share_table(load(tmp_path / "out"))
    assert len(table) == 3 * 2 * 2
    assert set(table["init_gain"]) == {0.5, 2.0}
    assert set(table["configuration"]) == {"weight_decay 0", "weight_decay 0.1"}
    assert (table["n_trials"] == 16).all()


def test_points_that_look_for_the_best_say_no_share(tmp_path: Path, results: Results) -> None:
    write_drawn(tmp_path / "out", "{name: tpe, points: 4, per_round: 4}")
    tuned = load(tmp_path / "out")
    with pytest.raises(InputError, match=r"search: tpe.*qmc, random"):
        share_table(tuned)
    assert (tuning_table(tuned)["n_trials"] == 16).all()
    with pytest.raises(InputError, match=r"axes are all lists.*qmc, random"):
        share_table(results)
    with pytest.raises(InputError, match=r"axes are all lists.*tpe"):
        tuning_table(results)
    with pytest.raises(InputError, match="within: given -1"):
        tuning_table(tuned, within=-1)


@pytest.mark.parametrize(
    "measure",
    [analysis.robustness_table, analysis.difference_table, analysis.edge_table, judge],
    ids=lambda one: one.__name__,
)
def test_what_is_measured_on_a_grid_is_refused(measure: object, drawn: Results) -> None:
    assert callable(measure)
    with pytest.raises(InputError, match=r"search qmc drew.*lr, train.momentum, init_gain.*share_table"):
        measure(drawn)


def test_a_comparison_with_a_grid_is_refused(directory: Path, sweep_dir: Path) -> None:
    with pytest.raises(InputError, match="search qmc drew"):
        analysis.compare([sweep_dir, directory])


REPLAYS, SEEDS, LOG2_POINTS = 300, 6, 5


@pytest.mark.parametrize("name", ["qmc", "random"])
@pytest.mark.parametrize("drift", [0.0, 0.15], ids=["equal seeds", "seeds differ"])
def test_the_interval_of_a_share_holds_the_truth(name: str, drift: float) -> None:
    """Of what is below a slanted line in three dimensions, which each seed shifts by its own amount."""
    space = Space({}, {axis: Range(0, 1) for axis in "xyz"}, range(REPLAYS * SEEDS))
    search: Search = Qmc(space, LOG2_POINTS) if name == "qmc" else Random(space, 2**LOG2_POINTS)
    settings = search([])
    assert not isinstance(settings, End)
    x = np.array([[setting[axis] for axis in "xyz"] for setting in settings]).reshape(REPLAYS * SEEDS, -1, 3)
    rng = np.random.default_rng(1)

    def bars(count: int) -> np.ndarray:
        return 1.3 + drift * rng.standard_normal(count)

    truth = np.mean([(rng.random((2000, 3)) @ [1, 0.5, 1] < bar).mean() for bar in bars(2000)])
    trains = x @ np.array([1, 0.5, 1]) < bars(len(x))[:, None]
    by_seed, counts = trains.mean(axis=1).reshape(REPLAYS, SEEDS), trains.reshape(REPLAYS, -1).sum(axis=1)
    interval = even_share_interval if name == "qmc" else share_interval
    low, high = interval(counts, np.full(REPLAYS, SEEDS * 2**LOG2_POINTS), by_seed)
    assert ((low <= truth) & (truth <= high)).mean() >= 0.975
    assert drift or (high - low).mean() < {"qmc": 0.2, "random": 0.4}[name]


def test_seeds_that_count_the_same_are_no_reason_to_think_the_worst() -> None:
    shares = np.array([[0.5, 0.5, 0.5, 0.5, 0.53125, 0.46875], [1.0] * 6, [0.4, 0.5, 0.6, 0.7, 0.3, 0.5]])
    counts, totals = (shares.sum(axis=1) * 32).round().astype(int), np.full(3, 192)
    low, high = even_share_interval(counts, totals, shares)
    over_seeds = seed_interval(shares, least=0, most=1)
    assert 0.4 < low[0] < 0.5 < high[0] < 0.6
    assert over_seeds[0][0] < 0.3
    assert low[1:] == pytest.approx(over_seeds[0][1:])
    assert high[1:] == pytest.approx(over_seeds[1][1:])
