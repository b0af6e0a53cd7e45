"""Verdicts on sweeps of planted truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.claims import CLAIMS
from analysis.claims.verdicts import COLUMNS, FRACTIONS, LR_COLUMNS, MARGINS, PROFILE_COLUMNS, Verdicts, judge
from analysis.loading import Results
from analysis.measures.pooling import ALL
from analysis.statistics.intervals import CONFIDENCE
from analysis.tables import difference_table
from tests.analysis.claims.planted import Mode, plant, trains
from tests.frames import with_steps
from tests.synthetic import CHANCE, make_specs

LRS = [float(lr) for lr in np.logspace(-3, 1, 9)]
SEEDS, GAINS = 5, [0.5, 1.0]
TRUE = {
    "none": Mode(trains(-2, -1, 0.88), moved=0.1, gap=0.2),
    "batch": Mode(trains(-3, 1), speed=1 / 60, change=lambda x: 0.2 * x, shift=lambda x: 1.5 * x, moved=0.1, gap=0.1),
    "noisy_batch": Mode(trains(-3, 1), change=lambda x: 0.3 * x, shift=lambda x: 2 * x, moved=0.4),
    "l2": Mode(trains(-3, 1)),
}
"""What the paper claims."""
SUPPORTED = [
    *("lr_area", "lr_range", "init_worst", "noisy_area", "noisy_range", "noisy_smooth", "gradient_change"),
    *("loss_band", "ics_relative", "ics_cosine", "gap", "shift_over_batch", "shift_over_none"),
]
FALSE = TRUE | {
    "batch": replace(TRUE["none"], shift=lambda x: 0.3 * x),
    "none": replace(TRUE["batch"], shift=lambda x: x),
}
"""The other way round."""
CONTRADICTED = [
    *("lr_area", "lr_range", "init_worst", "gradient_change", "loss_band", "ics_relative", "ics_cosine", "gap"),
]
CAVEAT = r"(; )?of the tested range: [a-z_0-9]+( and none)? still trains? at an end of it"
ALIKE = dict.fromkeys(TRUE, TRUE["batch"])


def planted(modes: dict[str, Mode], num_seeds: int = SEEDS, lrs: list[float] = LRS) -> Results:
    return plant(modes, make_specs(list(modes), gains=GAINS, lrs=lrs, num_seeds=num_seeds))


def judged(results: Results) -> pd.DataFrame:
    return judge(results, with_profile=False).statements.set_index("statement")


@pytest.fixture(scope="module")
def results() -> Results:
    return planted(TRUE)


@pytest.fixture(scope="module")
def verdicts(results: Results) -> Verdicts:
    return judge(results)


@pytest.fixture(scope="module")
def table(verdicts: Verdicts) -> pd.DataFrame:
    return verdicts.statements.set_index("statement")


def test_there_is_a_row_for_every_statement(verdicts: Verdicts, table: pd.DataFrame) -> None:
    assert list(table.index) == [key for claim in CLAIMS.values() for key in claim.statements]
    columns = [(verdicts.statements, COLUMNS), (verdicts.by_lr, LR_COLUMNS), (verdicts.profile, PROFILE_COLUMNS)]
    assert [list(frame.columns) for frame, _ in columns] == [list(names) for _, names in columns]
    tested = table[table["verdict"] != "not tested"]
    without_caveat = tested["note"].str.replace(CAVEAT, "", regex=True)
    assert (without_caveat.eq("") == tested["low"].notna()).all()
    cut_off = tested.index[tested["note"].str.endswith("at an end of it")]
    assert set(cut_off) == set(tested.index[tested["unit"] == "decades"])
    assert tested["effect"].notna().all()
    assert (tested["confidence"] == CONFIDENCE).all()
    within = tested[tested["low"].notna()]
    assert (within["low"] <= within["effect"]).all()
    assert (within["effect"] <= within["high"]).all()
    assert (tested["advice"].eq("") | (tested["verdict"] == "unresolved")).all()


def test_what_is_true_is_supported(table: pd.DataFrame) -> None:
    assert table["verdict"][SUPPORTED].to_dict() == dict.fromkeys(SUPPORTED, "supported")
    assert (table["n"][SUPPORTED] == SEEDS).all()
    assert table["effect"]["gradient_change"] == pytest.approx(np.log10(0.2), abs=0.05)
    assert table["effect"]["gap"] == pytest.approx(-0.1, abs=0.02)
    assert table["cells"]["gradient_change"] == 3 * len(GAINS)  # -2, -1.5 and -1, where none trains


def test_what_is_false_is_contradicted() -> None:
    table = judged(planted(FALSE))
    assert table["verdict"][CONTRADICTED].to_dict() == dict.fromkeys(CONTRADICTED, "contradicted")


def test_where_nothing_differs_nothing_is_supported_but_that_nothing_does() -> None:
    table = judged(planted(ALIKE))
    assert not table["verdict"].eq("contradicted").any()
    assert set(table.index[table["verdict"] == "supported"]) <= {
        "ics_relative",
        "ics_cosine",
        "noisy_accuracy",
        "l2_accuracy",
    }
    assert table["verdict"][["lr_area", "lr_range", "gradient_change", "gap"]].eq("unresolved").all()


def test_what_the_sweep_lacks_is_not_tested(table: pd.DataFrame) -> None:
    assert table["verdict"]["l1_accuracy"] == "not tested"
    assert table["note"]["l1_accuracy"] == "no trial has norm l1"
    specs = make_specs(["none", "batch"], gains=[1.0], lrs=LRS, num_seeds=3)
    bare = plant(TRUE, specs)
    without = {name: getattr(bare, name).iloc[:0] for name in ("landscape", "ics", "moments")}
    bare = replace(bare, trials=bare.trials.drop(columns="adaptive_sharpness"), **without)
    notes = judged(bare)
    notes = notes[notes["verdict"] == "not tested"]["note"]
    assert notes["init_range"] == "the sweep has a single initialization"
    assert notes["gradient_change"] == "no trial has a measurement in landscape/"
    assert notes["ics_relative"] == "no trial has a measurement in ics/"
    assert notes["smoothness_within"] == "no trial has a measurement of landscape"
    assert notes["flatness"] == "no trial has a measurement of adaptive_sharpness"
    assert notes["shift_over_none"] == "no trial has norm noisy_batch"


def test_what_trains_beyond_the_tested_range_is_said() -> None:
    """Seven decades against six, of which four were tested: the wider one is cut off more."""
    modes = {"none": Mode(trains(-5, 2, 0.88)), "batch": Mode(trains(-6, 0, 0.88))}
    row = judged(planted(modes)).loc["lr_range"]
    assert row["effect"] < 0
    assert row["note"] == "of the tested range: batch and none still train at an end of it"
    inside = judged(planted({"none": Mode(trains(-2, -1)), "batch": Mode(trains(-2.5, 0))})).loc["lr_range"]
    assert (inside["note"], inside["verdict"]) == ("", "supported")


def test_a_mode_that_falls_between_two_rates_is_no_worse_for_it() -> None:
    """Two plateaus of a third of a decade, at rates half a decade apart: one of them has a tested rate in it."""
    modes = {"none": Mode(trains(-1.42, -1.08)), "batch": Mode(trains(-1.17, -0.83))}
    table = judged(planted(modes, num_seeds=10))
    for statement in ("lr_area", "lr_range", "init_range", "init_worst"):
        assert table.loc[statement, "verdict"] == "unresolved", statement
    assert table.loc["init_range", "note"].startswith("batch and none: best at a single tested lr, if at any")


def test_two_seeds_resolve_nothing_over_seeds(results: Results) -> None:
    two = replace(results, trials=results.trials[results.trials["seed"] < 2])
    table = judged(two)
    by_seed = table[table["counted"] == "seeds"]
    assert (by_seed["verdict"] == "unresolved").all()
    assert by_seed["note"].str.startswith("2 seeds: an interval takes 3 at least").all()
    assert by_seed["advice"].eq("").all()


def test_a_contrast_has_one_interval_everywhere(results: Results, table: pd.DataFrame) -> None:
    shown = difference_table(results)
    rows = shown[(shown["norm"] == "batch") & (shown["init_gain"] == ALL)].set_index("measure")
    pairs = {"lr_area": "mean_accuracy", "lr_range": "trainable_decades", "init_range": "trained_inits"}
    for statement, measure in pairs.items():
        names = {"effect": "value", "low": "low", "high": "high", "n": "n_seeds"}
        if statement != "init_range":  # which is about the tested rates
            names |= {"grid_low": "grid_low", "grid_high": "grid_high"}
        assert [table[name][statement] for name in names] == [rows[name][measure] for name in names.values()]
        advice = table["advice"][statement]
        assert rows["note"][measure] == advice


def test_a_single_trial_of_another_mode_changes_no_verdict(results: Results, table: pd.DataFrame) -> None:
    modes = TRUE | {"l1": Mode(trains(-3, 1, 0.5))}
    one = [spec for spec in make_specs(["l1"], gains=GAINS, lrs=LRS, num_seeds=1) if spec.lr == LRS[2]]
    specs = make_specs(list(TRUE), gains=GAINS, lrs=LRS, num_seeds=SEEDS)
    more = judged(plant(modes, [*specs, one[0]]))
    own = [key for key in table.index if "across" not in key and "within" not in key and "l1" not in key]
    columns = ["verdict", "effect", "low", "high", "n", "cells", "advice"]
    pd.testing.assert_frame_equal(more.loc[own, columns], table.loc[own, columns])


def always_and_never(num_seeds: int) -> pd.DataFrame:
    """Judge a sweep in which batch trains everywhere, exactly alike with every seed, and none nowhere."""
    results = planted({"none": Mode(lambda spec: CHANCE), "batch": Mode(lambda spec: 0.9)}, num_seeds)  # noqa: ARG005
    return judged(results)


@pytest.mark.parametrize("num_seeds", [5, 6, 7, 8])
def test_a_perfect_effect_takes_as_many_seeds_as_an_exact_test(num_seeds: int) -> None:
    table = always_and_never(num_seeds)
    for statement, effect in (("lr_range", 4), ("init_range", 1)):
        row = table.loc[statement]
        assert row["effect"] == pytest.approx(effect)
        if num_seeds < 7:
            advice = f"{num_seeds} seeds of {num_seeds} agree: an exact test takes 7"
            assert (row["verdict"], row["advice"]) == ("unresolved", advice)
        else:
            assert (row["verdict"], row["advice"]) == ("supported", "")


@pytest.mark.parametrize("num_seeds", [5, 20])
def test_plateaus_of_equal_width_that_lie_otherwise_on_the_grid_are_not_told_apart(num_seeds: int) -> None:
    """Both train over 1.5 decades; rates a decade apart hit one twice and the other once, with every seed."""
    lrs = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
    trap = {"none": Mode(trains(-1.7, -0.2)), "batch": Mode(trains(-2.2, -0.7))}
    row = judged(planted(trap, num_seeds, lrs)).loc["lr_range"]
    assert row["effect"] == pytest.approx(1)
    assert (row["grid_low"], row["grid_high"]) == pytest.approx((-1, 3))
    assert row["low"] < 0 < row["high"]
    assert row["verdict"] == "unresolved"


def test_the_spacing_that_would_resolve_it_is_told() -> None:
    lrs = [1e-3, 1e-2, 1e-1, 1.0, 10.0]

    def ragged(low: float, high: float) -> Mode:
        """Return a mode whose flanks differ a little from seed to seed, so that the seeds do not tie."""
        inner = trains(low, high)
        return Mode(lambda spec: inner(spec) + (0.02 * spec.seed if inner(spec) == CHANCE else 0.0))

    trap = {"none": ragged(-1.7, -0.2), "batch": ragged(-2.2, -0.7)}
    row = judged(planted(trap, 8, lrs)).loc["lr_range"]
    assert row["verdict"] == "unresolved"
    assert row["advice"].startswith("the grid leaves this open: rates 0.")
    assert row["advice"].endswith("decades apart would resolve it, more seeds would not")


def test_finer_rates_resolve_a_difference_that_the_coarse_ones_leave_open() -> None:
    truth = {"none": Mode(trains(-2, -1)), "batch": Mode(trains(-2.5, -0.5))}
    coarse, fine = (
        judged(planted(truth, SEEDS, [float(lr) for lr in np.logspace(-3, 1, count)])).loc["lr_range"]
        for count in (5, 33)
    )
    assert (coarse["verdict"], fine["verdict"]) == ("unresolved", "supported")
    assert fine["effect"] == pytest.approx(1)


def test_effects_are_shown_by_learning_rate(verdicts: Verdicts) -> None:
    by_lr = verdicts.by_lr[verdicts.by_lr["statement"] == "gradient_change"].set_index("lr")
    assert list(by_lr.index) == LRS[2:5]
    assert by_lr["effect"].to_numpy() == pytest.approx(np.log10(0.2), abs=0.1)
    assert (by_lr["cells"] == len(GAINS)).all()
    assert (by_lr["n_seeds"] == SEEDS).all()
    assert set(verdicts.by_lr["statement"]) < set(verdicts.statements["statement"])


def test_the_profile_says_what_other_thresholds_would_say(results: Results, verdicts: Verdicts) -> None:
    profile = verdicts.profile
    counts = profile.groupby("statement")["at"].nunique()
    assert set(counts.index) == set(verdicts.statements["statement"])
    measures = {*profile.loc[profile["threshold"] == "fraction", "statement"]}
    assert {"lr_range", "noisy_accuracy"} <= measures
    assert (counts[list(measures)] == len(FRACTIONS) - 1).all()
    assert (counts.drop(list(measures)) == len(MARGINS) - 1).all()
    at_half = profile[(profile["statement"] == "lr_range") & (profile["at"] == 0.5)].iloc[0]
    shown = difference_table(results, fraction=0.5)
    row = shown[(shown["norm"] == "batch") & (shown["init_gain"] == ALL) & (shown["measure"] == "trainable_decades")]
    assert at_half[["effect", "low", "high"]].tolist() == row[["value", "low", "high"]].iloc[0].tolist()
    assert at_half["low"] != verdicts.statements.set_index("statement")["low"]["lr_range"]


def test_a_threshold_that_matters_shows_in_the_profile() -> None:
    """Of the best 0.9 in 0.5 % more: none reaches it, but 80 % of it everywhere."""
    truth = {"none": Mode(lambda spec: 0.75 + 0.001 * spec.seed), "batch": Mode(trains(-3, 1))}
    found = judge(planted(truth, 8))
    profile = found.profile[found.profile["statement"] == "lr_range"].set_index("at")["verdict"]
    assert found.statements.set_index("statement")["verdict"]["lr_range"] == "supported"
    assert profile.to_dict() == {0.5: "unresolved", 0.6: "unresolved", 0.7: "unresolved", 0.8: "unresolved"} | {
        0.95: profile[0.95],
        0.99: profile[0.99],
    }
    weak = {"none": Mode(lambda spec: CHANCE + 0.08 + 0.0 * spec.seed), "batch": Mode(trains(-3, 1))}
    by_margin = judge(planted(weak)).profile.set_index(["statement", "at"])["verdict"]["gradient_change"]
    assert by_margin.to_dict() == {0.02: "unresolved", 0.1: "not tested", 0.2: "not tested", 0.4: "not tested"}


def test_the_profile_can_be_left_out(results: Results) -> None:
    assert judge(results, with_profile=False).profile.empty


def test_configurations_are_judged_apart() -> None:
    results = plant(TRUE, make_specs(["none", "batch"], gains=[1.0], lrs=LRS[::2], num_seeds=4))
    steps = np.where(results.trials["seed"] == 0, 100, 200)
    found = judge(replace(results, trials=with_steps(results.trials, steps)))
    label = "steps 200"
    assert set(found.statements["configuration"]) == {"steps 100", label}
    alone = judge(replace(results, trials=results.trials[results.trials["seed"] > 0].reset_index(drop=True)))
    for whole, part in zip(vars(found.of(label)).values(), vars(alone).values(), strict=True):
        columns = [name for name in part if name != "configuration"]
        pd.testing.assert_frame_equal(whole[columns].reset_index(drop=True), part[columns])
