"""Verdicts on sweeps of known truth, and the effects against bare pandas."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

import analysis
from analysis.claims import CLAIMS
from analysis.claims.verdicts import COLUMNS, judge
from analysis.loading import Results
from analysis.measures.grid import final_accuracy
from tests.frames import with_steps
from tests.synthetic import CHANCE, make_specs, write_sweep

SEEDS = 5


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("claims")
    write_sweep(directory, make_specs(num_seeds=SEEDS))
    return with_noise(analysis.load(directory))


def with_noise(results: Results) -> Results:
    """Let the measurements of every trial differ by some 5 %: in the synthetic sweep all seeds have the same ratios."""
    rng = np.random.default_rng(0)
    columns = ["landscape_loss_range", "landscape_grad_diff", "landscape_beta", "ics_l2"]
    factors = np.exp(0.05 * rng.normal(size=(len(results.trials), len(columns))))
    return replace(results, trials=results.trials.assign(**(results.trials[columns] * factors)))


@pytest.fixture(scope="module")
def verdicts(results: Results) -> pd.DataFrame:
    return judge(results).statements.set_index("statement")


def renamed(results: Results, names: dict[str, str]) -> Results:
    """Return the results with the modes' names exchanged."""
    tables = {
        table: frame.assign(norm=frame["norm"].astype(str).replace(names))
        for table, frame in vars(results).items()
        if table in ("trials", "curves", "landscape", "ics", "moments")
    }
    return replace(results, **tables)


def test_there_is_a_row_for_every_statement(verdicts: pd.DataFrame) -> None:
    assert list(verdicts.index) == [key for claim in CLAIMS.values() for key in claim.statements]
    assert set(COLUMNS) == {*verdicts.columns, "statement"}
    tested = verdicts[verdicts["verdict"] != "not tested"]
    assert (tested["note"].eq("") | tested["low"].isna()).all()
    assert tested["effect"].notna().all()


def test_what_is_true_of_the_sweep_is_supported(verdicts: pd.DataFrame) -> None:
    true = ["lr_range", "noisy_range", "ics_size", "loss_band", "gradient_difference", "beta_level"]
    assert (verdicts["verdict"][true] == "supported").all()
    assert (verdicts["n"][true] == SEEDS).all()
    assert verdicts["confidence"]["loss_band"] == pytest.approx(1 - 0.05 / 4)
    assert verdicts["verdict"]["noisy_accuracy"] == "unresolved"  # 0.01 below, the same with every seed
    assert verdicts["note"]["noisy_accuracy"] == "no two seeds differ"


def test_the_other_way_round_it_is_contradicted(results: Results) -> None:
    swapped = judge(renamed(results, {"none": "batch", "batch": "none"})).statements.set_index("statement")
    false = ["lr_range", "ics_size", "loss_band", "gradient_difference", "beta_level"]
    assert (swapped["verdict"][false] == "contradicted").all()


def test_what_the_sweep_lacks_is_not_tested(verdicts: pd.DataFrame, tmp_path: Path) -> None:
    assert verdicts["note"]["l1_accuracy"] == "no trial has norm l1"
    assert verdicts["verdict"]["l1_accuracy"] == "not tested"
    write_sweep(tmp_path, make_specs(gains=[1.0], num_seeds=3, probes=False))
    bare = judge(analysis.load(tmp_path)).statements.set_index("statement")
    assert bare["verdict"]["lr_range"] == "supported"
    untested = bare[bare["verdict"] == "not tested"]["note"]
    assert untested["init_range"] == "the sweep has a single initialization"
    assert untested["ics_size"] == "no trial has a measurement of ics_l2"
    assert untested["ics_relative"] == "no trial has a measurement of ics"
    assert untested["smoothness_within"] == "no trial has a measurement of landscape_grad_diff"


def test_two_seeds_resolve_nothing_over_seeds(results: Results) -> None:
    two = replace(results, trials=results.trials[results.trials["seed"] < 2].reset_index(drop=True))
    table = judge(two).statements
    by_seed = table[table["counted"] == "seeds"]
    assert (by_seed["verdict"] == "unresolved").all()
    assert (by_seed["note"] == "2 seeds: an interval takes 3 at least").all()


def test_a_difference_of_measures_is_that_of_paired_seeds(results: Results, verdicts: pd.DataFrame) -> None:
    trials = results.trials.assign(accuracy=final_accuracy(results.trials), norm=results.trials["norm"].astype(str))
    best = trials.groupby(["norm", "seed"])["accuracy"].max()
    difference = best["noisy_batch"] - best["batch"]
    row = verdicts.loc["noisy_accuracy"]
    assert row["effect"] == pytest.approx(difference.mean())
    assert np.isnan(row["low"]) == (difference.std() < 1e-12)


@pytest.mark.parametrize(
    ("statement", "column"),
    [("ics_size", "ics_l2"), ("gradient_difference", "landscape_grad_diff"), ("beta_level", "landscape_beta")],
)
def test_a_probe_is_compared_where_both_modes_learn(
    results: Results, verdicts: pd.DataFrame, statement: str, column: str
) -> None:
    cells = ["init_gain", "lr"]
    trials = results.trials.assign(accuracy=final_accuracy(results.trials), norm=results.trials["norm"].astype(str))
    trials["learns"] = (trials["status"] == "completed") & (trials["accuracy"] >= CHANCE + 0.05)
    pair = trials[trials["norm"].isin(["none", "batch"])]
    learned = pair.groupby(cells)["learns"].all()
    logs = np.log10(pair.set_index([*cells, "seed", "norm"])[column])
    ratio = logs.xs("batch", level="norm") - logs.xs("none", level="norm")
    by_seed = ratio[learned.loc[ratio.index.droplevel("seed")].to_numpy()].groupby("seed").median()
    row = verdicts.loc[statement]
    assert 0 < row["cells"] == learned.sum() < len(learned)
    assert row["effect"] == pytest.approx(by_seed.mean())
    reach = t.ppf((1 + row["confidence"]) / 2, SEEDS - 1) * by_seed.std() / np.sqrt(SEEDS)
    assert [row["low"], row["high"]] == pytest.approx([row["effect"] - reach, row["effect"] + reach])


def test_effects_are_shown_by_learning_rate(results: Results) -> None:
    by_lr = judge(results).by_lr.set_index(["statement", "lr"])
    assert by_lr["effect"]["beta_level", 0.1] == pytest.approx(np.log10(1 / 8), abs=0.05)
    assert by_lr["cells"]["beta_level", 0.1] == 1
    assert ("beta_level", 10.0) not in by_lr.index


def test_an_overflow_counts_as_infinite_and_is_no_advantage(results: Results) -> None:
    none = results.trials["norm"] == "none"
    rough = results.trials["landscape_grad_diff"].mask(none & (results.trials["lr"] == 0.1), np.inf)
    changed = replace(results, trials=results.trials.assign(landscape_grad_diff=rough))
    row = judge(changed).statements.set_index("statement").loc["gradient_difference"]
    assert row["effect"] < 0 or np.isneginf(row["effect"])
    assert row["verdict"] in ("supported", "unresolved")


def test_configurations_are_judged_apart(results: Results) -> None:
    steps = np.where(results.trials["seed"] == 0, 100, 200)
    table = judge(replace(results, trials=with_steps(results.trials, steps))).statements
    assert set(table["configuration"]) == {"steps 100", "steps 200"}
    assert set(table[table["configuration"] == "steps 200"]["n"].dropna()) >= {SEEDS - 1}
