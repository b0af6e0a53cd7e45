"""One mode against another where both learn, against plain loops, and what must not change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from analysis.claims.evidence import gather_evidence
from analysis.claims.probe_contrast import ProbeContrast
from analysis.claims.stepwise import MAX_DECADES, matched_difference, measured_steps
from analysis.loading import Results
from analysis.statistics.nan_aware import Floats
from bnsweep.errors import InputError
from tests.analysis.claims.planted import LRS, Mode, plant, trains
from tests.synthetic import CHANCE, make_specs

SMOOTHER = ProbeContrast("gradient_change", "batch", "none")
GAINS = [0.5, 1.0]
MODES = {
    "none": Mode(trains(-2, 0)),
    "batch": Mode(trains(-3, 0), speed=1 / 60, change=lambda loss: 0.5 * loss, shift=lambda loss: 2 * loss),
}


def planted(num_seeds: int = 3, modes: dict[str, Mode] = MODES, gains: Sequence[float] = GAINS) -> Results:
    return plant(modes, make_specs(list(modes), gains=gains, lrs=LRS, num_seeds=num_seeds))


@pytest.fixture(scope="module")
def results() -> Results:
    return planted()


def contrasts(results: Results, contrast: ProbeContrast = SMOOTHER, above_chance: float = 0.05) -> Floats:
    """Return the contrast of each seed and cell, NaN where it does not count."""
    return contrast(gather_evidence(results, above_chance=above_chance)).contrast


def changed(results: Results, norm: str, lr: float, seed: int, **values: object) -> Results:
    """Return the results with some columns of one mode's trials of a learning rate and seed set."""
    trials = results.trials
    here = (trials["norm"] == norm) & (trials["lr"] == lr) & (trials["seed"] == seed)
    assert here.any()
    return replace(results, trials=trials.assign(**{name: trials[name].mask(here, to) for name, to in values.items()}))


def test_trials_are_compared_by_point_and_seed_at_equal_loss(results: Results) -> None:
    curves = measured_steps(results).curves_of("gradient_change")
    keys = results.trials.set_index(["seed", "init_gain", "lr", "norm"])["trial_key"]
    for s, row in enumerate(contrasts(results)):
        for found, (gain, lr) in zip(row, [(gain, lr) for gain in GAINS for lr in LRS], strict=True):
            if 1e-2 <= lr <= 1:
                one, other = (curves[keys[s, gain, lr, norm]] for norm in ("batch", "none"))
                assert found == matched_difference(one, other)
                assert found == pytest.approx(np.log10(0.5), abs=0.1)
            else:
                assert np.isnan(found)


def test_the_effect_is_the_mean_over_seeds_of_the_mean_over_points(results: Results) -> None:
    holed = changed(results, "none", 1.0, 0, test_acc=CHANCE)
    estimate, found = SMOOTHER(gather_evidence(holed)), contrasts(holed)
    by_seed = [np.mean(row[~np.isnan(row)]) for row in found]
    assert estimate.value == pytest.approx(np.mean(by_seed))
    assert [(~np.isnan(row)).sum() for row in found] == [4, 6, 6]
    assert (estimate.n, estimate.cells, estimate.bounded) == (3, 6, 2 * MAX_DECADES)


def test_another_seed_changes_nothing_about_the_points_of_the_others(results: Results) -> None:
    more = planted(num_seeds=5)
    dead = changed(changed(more, "none", 0.1, 3, test_acc=CHANCE), "batch", 1.0, 4, status="diverged")
    np.testing.assert_array_equal(contrasts(dead)[:3], contrasts(results))
    assert np.isnan(contrasts(dead)).sum() == np.isnan(contrasts(more)).sum() + 4


@pytest.mark.parametrize("lost", [{"test_acc": CHANCE + 0.0499}, {"status": "diverged"}, {"test_acc": float("nan")}])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_where_either_has_not_learned_nothing_is_compared(results: Results, norm: str, lost: dict[str, object]) -> None:
    before, after = contrasts(results), contrasts(changed(results, norm, 0.1, 1, **lost))
    gone = np.isnan(after) & ~np.isnan(before)
    assert np.argwhere(gone).tolist() == [[1, 2], [1, 7]]
    np.testing.assert_array_equal(after[~gone], before[~gone])


def test_a_run_learns_from_clearly_above_chance_on_rounding_or_no(results: Results) -> None:
    on_the_bar = changed(results, "none", 0.1, 1, test_acc=0.15)
    assert (results.trials["num_classes"] == 10).all()
    np.testing.assert_array_equal(contrasts(on_the_bar), contrasts(results))
    assert np.isnan(contrasts(on_the_bar, above_chance=0.06)).sum() == np.isnan(contrasts(results)).sum() + 2


def test_the_order_of_the_trials_does_not_matter(results: Results) -> None:
    mixed = results.trials.sample(frac=1, random_state=0)
    np.testing.assert_array_equal(contrasts(replace(results, trials=mixed)), contrasts(results))


def test_an_overflow_counts_and_is_no_advantage(results: Results) -> None:
    none = results.trials[results.trials["norm"] == "none"]["trial_key"]
    rows = results.landscape
    broken = rows["grad_diff_l2"].mask(rows["trial_key"].isin(none) & (rows["lr_multiple"] == 1.0), np.nan)
    estimate = SMOOTHER(gather_evidence(replace(results, landscape=rows.assign(grad_diff_l2=broken))))
    assert estimate.value == pytest.approx(contrasts(results).mean(where=~np.isnan(contrasts(results))) - 10, abs=0.6)
    assert estimate.interval(0.95)[1] < -9


def test_a_quantity_of_the_trial_is_compared_as_it_is(results: Results) -> None:
    gap = ProbeContrast("generalization_gap", "batch", "none", at_equal_loss=False)
    trials = results.trials
    learned = trials[(trials["test_acc"] > 0.5)]
    by_point = (learned["test_loss"] - 0.5).groupby([learned[name] for name in ("seed", "init_gain", "lr", "norm")])
    table = by_point.first().unstack("norm").dropna()
    found = contrasts(results, gap)
    assert found[~np.isnan(found)] == pytest.approx((table["batch"] - table["none"]).to_numpy())
    assert (gap.unit, gap(gather_evidence(results)).bounded) == ("loss", float("inf"))
    assert ProbeContrast("ics_cosine", "batch", "none").unit == "cosine"


def test_a_trial_that_was_not_measured_is_left_out(results: Results) -> None:
    key = results.trials.set_index(["norm", "seed", "init_gain", "lr"])["trial_key"]["none", 1, 1.0, 0.1]
    fewer = replace(results, landscape=results.landscape[results.landscape["trial_key"] != key])
    gone = np.isnan(contrasts(fewer)) & ~np.isnan(contrasts(results))
    assert np.argwhere(gone).tolist() == [[1, 7]]


def test_effects_by_learning_rate_are_those_of_its_points(results: Results) -> None:
    holed = changed(results, "none", 1.0, 0, test_acc=CHANCE)
    found, by_lr = contrasts(holed).reshape(3, 2, 5), SMOOTHER.by_lr(gather_evidence(holed))
    assert list(by_lr) == [1e-2, 1e-1, 1.0]
    assert by_lr[0.1] == (pytest.approx(found[:, :, 2].mean()), 2, 3)
    assert by_lr[1.0] == (pytest.approx(found[1:, :, 3].mean()), 2, 2)


def test_what_cannot_be_compared_is_said(results: Results) -> None:
    evidence = gather_evidence(results)
    with pytest.raises(InputError, match="no trial has norm l1"):
        ProbeContrast("gradient_change", "l1", "none")(evidence)
    with pytest.raises(InputError, match="no trial has a measurement in landscape/"):
        SMOOTHER(gather_evidence(replace(results, landscape=results.landscape.iloc[:0])))
    apart = planted(modes={"none": Mode(trains(-3, -2)), "batch": Mode(trains(-1, 0))}, gains=[1.0])
    with pytest.raises(InputError, match="batch and none learn together at no measured point"):
        SMOOTHER(gather_evidence(apart))


def test_what_is_compared_is_said_in_words() -> None:
    assert SMOOTHER.statistic.startswith("log10 of batch over none: largest change")
    assert SMOOTHER.statistic.endswith(", at equal training loss")
    gap = ProbeContrast("generalization_gap", "batch", "none", at_equal_loss=False)
    assert gap.statistic == "batch minus none: test loss minus training loss at the end, both in eval mode"
