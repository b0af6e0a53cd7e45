"""Smoothness and shift against accuracy: the points by bare pandas, and the correlations by those of the claims."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import analysis
from analysis.claims import judge
from analysis.loading import Results
from analysis.plots.explains import draw_explains, explains_data
from analysis.plots.explains.data import ALL, SIGNS
from tests.synthetic import CHANCE, make_specs, write_sweep


def drawn_at_random(directory: Path, num_gains: int) -> Results:
    """Return a sweep over so many gains, in which accuracy, smoothness and shift of each trial are drawn."""
    gains = [float(gain) for gain in np.geomspace(0.5, 2, num_gains)]
    write_sweep(directory, make_specs(["none", "batch"], gains=gains, lrs=[0.01, 0.1, 1.0], num_seeds=1))
    results, rng = analysis.load(directory), np.random.default_rng(0)
    factor = pd.Series(rng.uniform(0.5, 2, len(results.trials)), results.trials["trial_key"])
    walks, shifts = (table.assign(by=table["trial_key"].map(factor)) for table in (results.landscape, results.ics))
    return replace(
        results,
        trials=results.trials.assign(test_acc=rng.uniform(0.8, 0.9, len(results.trials)), status="completed"),
        landscape=walks.assign(grad_diff_l2=walks["grad_diff_l2"] * walks["by"]),
        ics=shifts.assign(ics_l2=shifts["ics_l2"] / shifts["by"], ics_cos=0.4 * shifts["by"]),
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return drawn_at_random(tmp_path_factory.mktemp("many"), 12)


def test_there_is_a_point_per_trial_and_what_did_not_learn_is_told_apart(results: Results) -> None:
    data = explains_data(results)
    assert len(data.points) == len(results.trials)
    trials = results.trials.set_index("trial_key")
    completed = (trials["status"] == "completed") & (trials["test_acc"] >= CHANCE + 0.05)
    assert data.points["learned"].tolist() == completed.tolist()
    assert f"open: the {(~completed).sum()} of {len(trials)}" in data.subtitle
    rows = results.landscape
    change = (rows["grad_diff_l2"] / rows["grad_norm"]).groupby([rows["trial_key"], rows["step"]]).max()
    expected = np.log10(change).groupby("trial_key").median().reindex(trials.index)
    tame = completed.to_numpy()
    np.testing.assert_allclose(data.points["gradient_change"].to_numpy()[tame], expected.to_numpy()[tame])


def test_the_correlations_over_all_modes_are_those_of_the_claims(many: Results) -> None:
    claimed = judge(many, with_profile=False).statements.set_index("statement")
    shown = explains_data(many).correlations
    shown = shown[shown["norm"] == ALL].set_index("quantity")
    for quantity, statement in (("gradient_change", "smoothness_within"), ("relative_ics", "ics_within")):
        found, wanted = shown.loc[quantity], claimed.loc[statement]
        assert [found[name] for name in ("correlation", "low", "high", "units")] == pytest.approx(
            [wanted[name] for name in ("effect", "low", "high", "n")]
        )
        assert np.isfinite(found["low"])


def test_the_correlation_of_a_mode_is_the_mean_over_learning_rates(many: Results) -> None:
    data = explains_data(many)
    shown = data.correlations.set_index(["quantity", "norm"])
    for name, sign in SIGNS.items():
        points = data.points[(data.points["norm"] == "batch") & data.points["learned"]]
        by_lr = [spearmanr(part[name], part["accuracy"]).statistic for _, part in points.groupby("lr")]
        row = shown.loc[(name, "batch")]
        assert row["correlation"] == pytest.approx(sign * np.mean(by_lr))


def test_no_interval_is_shown_over_few_inits_and_gains_and_the_text_says_why(tmp_path: Path, many: Results) -> None:
    few, enough = explains_data(drawn_at_random(tmp_path, 3)), explains_data(many)
    assert few.correlations["low"].isna().all()
    assert "No intervals: they take 10 inits or gains, whichever are fewer, and here are 3." in few.subtitle
    assert few.title.endswith("too few inits and gains for intervals")
    assert "97.5 % intervals, which take 10 inits and gains" in enough.subtitle
    for data in (few, enough):
        assert "to look only at what learned can itself hide or make one" in data.subtitle


def test_what_did_not_learn_moves_no_correlation(results: Results) -> None:
    lost = results.trials.set_index("trial_key")["status"] == "diverged"
    of_lost = results.ics["trial_key"].map(lost).astype(bool)
    wild = replace(results, ics=results.ics.assign(ics_l2=results.ics["ics_l2"].mask(of_lost, 1e9)))
    before, after = explains_data(results), explains_data(wild)
    pd.testing.assert_frame_equal(before.correlations, after.correlations)
    assert not before.points["relative_ics"].equals(after.points["relative_ics"])


@pytest.mark.parametrize("has_learned", [True, False])
def test_every_correlation_is_drawn_or_said_to_be_lacking(many: Results, has_learned: bool) -> None:
    is_batch = many.trials["norm"] == "batch"
    accuracy = many.trials["test_acc"].mask(is_batch & (not has_learned), CHANCE)
    data = explains_data(replace(many, trials=many.trials.assign(test_acc=accuracy)))
    figure = draw_explains(data)
    assert len(figure.axes) == 2 * len(data.quantities)
    for ax, name in zip(figure.axes[len(data.quantities) :], data.quantities, strict=True):
        rows = data.correlations[data.correlations["quantity"] == name]
        drawn = [line for line in ax.lines if line.get_marker() not in ("None", "")]
        assert len(drawn) == rows["correlation"].notna().sum()
        assert [text.get_text() for text in ax.texts].count("too few") == rows["correlation"].isna().sum()
