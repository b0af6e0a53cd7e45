"""What trials are judged by where there is no accuracy: R^2, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.claims import judge
from analysis.loading import Results
from analysis.measures.grid import make_grid
from analysis.measures.scores import NO_ACCURACY, NO_SCORE, R2, final_score, has_accuracy, note
from analysis.plots import FIGURES
from analysis.plots.computed import compute
from analysis.report.configuration_report import report_configuration
from analysis.report.figures import draw_figure
from analysis.tables import robustness_table

ACCURACIES = ["train_acc", "test_acc", "test_acc_running", "train_acc_eval"]
CONSTANT = 40.0


@pytest.fixture(scope="module")
def real(results: Results) -> Results:
    """The same sweep with real targets, which its trials explain to the share that they were right."""
    trials = results.trials
    loss = CONSTANT * (1 - trials["test_acc"])
    columns = {"num_classes": np.nan, "test_loss": loss, "test_loss_constant": CONSTANT}
    return replace(results, trials=trials.assign(**columns, **dict.fromkeys(ACCURACIES, np.nan)))


def test_the_score_is_the_share_that_is_explained_and_a_diverged_run_has_none(results: Results, real: Results) -> None:
    lost = real.trials["status"] == "diverged"
    assert not has_accuracy(real.trials)
    assert np.allclose(final_score(real.trials)[~lost], results.trials["test_acc"][~lost])
    assert (final_score(real.trials)[lost] == 0).all()
    worse = real.trials.assign(test_loss=2 * CONSTANT)
    assert (final_score(worse) == 0).all()
    assert make_grid(real.trials).chance == 0


def test_a_result_without_a_loss_is_missing(real: Results) -> None:
    assert final_score(real.trials.assign(status="completed", test_loss=np.nan)).isna().all()


def test_measures_are_those_of_a_sweep_with_these_accuracies(results: Results, real: Results) -> None:
    """Given the same chance: of guessing among so many classes that it is nothing."""
    guessing = replace(results, trials=results.trials.assign(num_classes=10**9))
    columns = ["norm", "measure", "value", "low", "high"]
    tables = [robustness_table(one) for one in (guessing, real)]
    kept = [table[table["measure"] != "lr_sensitivity"][columns] for table in tables]
    pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in kept), atol=1e-6)


def test_claims_on_accuracy_cannot_be_told_and_others_are_said_of_r2(results: Results, real: Results) -> None:
    told, usual = (judge(one, with_profile=False).statements.set_index("statement") for one in (real, results))
    of_accuracy = ["noisy_accuracy", "smoothness_within", "ics_across", "l2_accuracy"]
    assert (told.loc[of_accuracy, "verdict"] == "not tested").all()
    assert (told.loc[of_accuracy, "note"] == NO_ACCURACY).all()
    assert told.loc["lr_area", "unit"] == R2
    assert not told.loc["lr_area", ["label", "text", "statistic"]].str.contains("accuracy").any()
    assert usual.loc["lr_area", "unit"] == "accuracy"
    probes = ["gradient_change", "ics_relative", "lr_range"]
    assert told.loc[probes, "effect"].tolist() == pytest.approx(usual.loc[probes, "effect"].tolist())


def test_figures_are_labelled_by_what_they_show(real: Results, tmp_path: Path) -> None:
    computed = compute(real)
    drawn = draw_figure("accuracy", FIGURES["accuracy"], real, computed, tmp_path, "")
    svg = (tmp_path / "accuracy.svg").read_text()
    assert f"test {R2}" in drawn.subtitle
    assert "accuracy" not in drawn.subtitle + drawn.measures
    assert svg.count("<svg") == 1
    explains = draw_figure("explains", FIGURES["explains"], real, computed, tmp_path, "")
    assert explains.missing == NO_ACCURACY


@pytest.mark.usefixtures("words_only")
@pytest.mark.parametrize("changes", [{}, {"num_classes": np.nan, "test_loss_constant": np.nan}])
def test_loops_that_do_not_say_how_good_their_models_are_are_not_judged(
    results: Results, changes: dict[str, float], tmp_path: Path
) -> None:
    """Nor do those that diverged count as at chance: nothing is above it."""
    blank = dict.fromkeys([*ACCURACIES, "test_loss"], np.nan)
    trials = results.trials.assign(**blank, **({"test_loss_constant": np.nan} | changes))
    assert final_score(trials).isna().all()
    assert NO_SCORE in note(trials)
    verdicts = judge(replace(results, trials=trials), with_profile=False).statements.set_index("statement")
    assert verdicts.loc["noisy_accuracy", "verdict"] == "not tested"
    assert note(results.trials) == ""
    unjudged = replace(results, trials=trials)
    report = report_configuration(unjudged, compute(unjudged), "", 1, tmp_path)
    assert NO_SCORE in report.note
    assert {report.figures[name].missing for name in ("summary", "accuracy", "heatmap")} == {NO_SCORE}
    assert report.figures["landscape"].missing == ""
