"""Correlations within and across modes against scipy, and what takes no part in them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.claims.evidence import Evidence, gather_evidence
from analysis.claims.prediction import Prediction, Which, mean_correlation
from analysis.claims.quantities import QUANTITIES
from analysis.loading import Results
from bnsweep.errors import InputError
from tests.analysis.claims.planted import Mode, jitter, plant
from tests.synthetic import CHANCE, make_specs

NORMS = ["none", "batch", "l1", "layer"]
INITS, GAINS, LRS, SEEDS = ["xavier_uniform", "orthogonal"], [0.5, 1.0, 2.0], [0.1, 1.0], 2
QUANTITY = "gradient_change"


@cache
def results() -> Results:
    """Return results in which accuracy and what is measured have nothing to do with each other."""
    mode = Mode(lambda spec: 0.5 + 0.1 * jitter(spec, "accuracy"))
    return plant(dict.fromkeys(NORMS, mode), make_specs(NORMS, INITS, GAINS, LRS, SEEDS))


def strata(evidence: Evidence, which: Which, quantity: str = QUANTITY) -> list[tuple[list[float], list[float]]]:
    """Return by stratum the means over seeds of minus the quantity and of accuracy."""
    x, grid = evidence.arrange(QUANTITIES[quantity].of(evidence.results)), evidence.grid
    points = {
        (n, i, g, k): [
            (x[s, n, i, g, k], grid.accuracy[s, n, i, g, k]) for s in range(SEEDS) if evidence.learned[s, n, i, g, k]
        ]
        for n, i, g, k in np.ndindex(grid.accuracy.shape[1:])
    }
    found: dict[tuple[int, ...], list[tuple[float, float]]] = {}
    for (n, i, g, k), values in points.items():
        if values:
            mean = np.mean(values, axis=0)
            found.setdefault((n, k) if which == "within" else (i, g, k), []).append((-mean[0], mean[1]))
    return [tuple(zip(*pairs, strict=True)) for pairs in found.values()]  # type: ignore[misc]  # two columns


def expected(evidence: Evidence, which: Which, quantity: str = QUANTITY, at_least: int = 3) -> float:
    full = [part for part in strata(evidence, which, quantity) if len(part[0]) >= at_least]
    return float(np.mean([spearmanr(*part).statistic for part in full]))


def killed(part: Results, keys: list[str]) -> Results:
    """Return the results with some trials dead: at chance, and with no shift and no roughness at all."""
    dead = part.trials["trial_key"].isin(keys)
    flat = part.landscape["grad_diff_l2"].mask(part.landscape["trial_key"].isin(keys), 0.0)
    still = part.ics["ics_l2"].mask(part.ics["trial_key"].isin(keys), 0.0)
    trials = part.trials.assign(test_acc=part.trials["test_acc"].mask(dead, CHANCE))
    return replace(
        part, trials=trials, landscape=part.landscape.assign(grad_diff_l2=flat), ics=part.ics.assign(ics_l2=still)
    )


def keys_of(norm: str, lr: float, gains: list[float], seeds: list[int]) -> list[str]:
    trials = results().trials
    here = (trials["norm"] == norm) & (trials["lr"] == lr)
    return trials.loc[here & trials["init_gain"].isin(gains) & trials["seed"].isin(seeds), "trial_key"].tolist()


@pytest.mark.parametrize(
    ("which", "units", "counted"), [("within", 2, "inits or gains, whichever are fewer,"), ("across", 4, "modes")]
)
def test_a_prediction_is_a_mean_of_rank_correlations_at_one_learning_rate(
    which: Which, units: int, counted: str
) -> None:
    evidence = gather_evidence(results())
    found = Prediction(QUANTITY, which)(evidence)
    assert found.value == pytest.approx(expected(evidence, which))
    assert (found.n, found.counted, found.minus) == (units, counted, None)


@pytest.mark.parametrize("which", ["within", "across"])
def test_the_difference_of_two_is_over_the_same_trials(which: Which) -> None:
    evidence = gather_evidence(results())
    both = [expected(evidence, which, name) for name in (QUANTITY, "relative_ics")]
    found = Prediction(QUANTITY, which, "relative_ics")(evidence)
    assert (found.correlation, found.minus) == pytest.approx(tuple(both))
    (key,) = keys_of("batch", 0.1, [1.0], [0])[:1]
    fewer = replace(results(), ics=results().ics[results().ics["trial_key"] != key])
    known_alike = killed(results(), [key])  # is not of those that learned
    again = Prediction(QUANTITY, which, "relative_ics")(gather_evidence(fewer))
    assert again.correlation == Prediction(QUANTITY, which)(gather_evidence(known_alike)).correlation


@pytest.mark.parametrize("which", ["within", "across"])
def test_what_is_dead_predicts_nothing(which: Which) -> None:
    dead = killed(results(), keys_of("none", 0.1, [0.5, 1.0], [0]) + keys_of("none", 1.0, [0.5], [0, 1]))
    evidence = gather_evidence(dead)
    assert Prediction("relative_ics", which)(evidence).value == pytest.approx(expected(evidence, which, "relative_ics"))
    assert abs(Prediction("relative_ics", which)(evidence).value) < 0.5


@pytest.mark.parametrize(
    ("inits", "gains", "units"),
    [(1, 12, 12), (12, 1, 12), (3, 4, 3), (4, 3, 3), (1, 1, 1)],
)
def test_trials_that_share_a_gain_or_an_initializer_are_not_independent(inits: int, gains: int, units: int) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(2, max(inits, 1), max(gains, 1))) for _ in range(2))
    value, count = mean_correlation(x, y)
    if inits * gains < 3:
        assert (np.isnan(value), count) == (True, 0)
    else:
        assert count == units
        by_stratum = [spearmanr(one.ravel(), other.ravel()).statistic for one, other in zip(x, y, strict=True)]
        assert value == pytest.approx(np.mean(by_stratum))


def test_a_stratum_with_less_than_half_of_the_trials_is_left_out() -> None:
    for gains in ([0.5, 1.0], [0.5]):  # 2 of 6 are too few, 4 are not
        evidence = gather_evidence(killed(results(), keys_of("none", 0.1, gains, [0, 1])))
        found = Prediction(QUANTITY, "within")(evidence)
        assert found.n == 2
        assert found.value == pytest.approx(expected(evidence, "within"))


def test_what_goes_with_accuracy_is_found() -> None:
    smooth = {norm: Mode(lambda spec: 0.5 - 0.1 * jitter(spec, "change")) for norm in NORMS[:3]}
    part = plant(smooth, make_specs(NORMS[:3], ["orthogonal"], [0.5, 1.0, 2.0], [0.1], 1))
    evidence = gather_evidence(part)
    for which in ("within", "across"):
        assert Prediction(QUANTITY, which)(evidence).value == pytest.approx(1)
    swapped = plant(
        {norm: Mode(lambda spec: 0.5 + 0.1 * jitter(spec, "change")) for norm in NORMS[:3]},
        make_specs(NORMS[:3], ["orthogonal"], [0.5, 1.0, 2.0], [0.1], 1),
    )
    assert Prediction(QUANTITY, "within")(gather_evidence(swapped)).value == pytest.approx(-1)


def test_what_moves_both_from_one_learning_rate_or_mode_to_the_next_is_no_relation() -> None:
    """Within, a mode and rate may be anything; across, an init, gain and rate."""
    for which, moved in (("within", ("norm", "lr")), ("across", ("init", "init_gain", "lr"))):
        trials, rows = results().trials, results().landscape
        by = {point: 0.01 * k for k, point in enumerate(product(*(trials[name].unique() for name in moved)))}
        lift = trials.assign(by=[by[point] for point in trials[list(moved)].itertuples(index=False, name=None)])
        scale = rows["trial_key"].map(10 ** (50 * lift.set_index("trial_key")["by"]))
        confounded = replace(
            results(),
            trials=trials.assign(test_acc=trials["test_acc"] + lift["by"]),
            landscape=rows.assign(grad_diff_l2=rows["grad_diff_l2"] * scale / 1e4),
        )
        found = Prediction(QUANTITY, which)(gather_evidence(confounded))  # type: ignore[arg-type]
        assert found.value == pytest.approx(expected(gather_evidence(results()), which))  # type: ignore[arg-type]


def test_too_few_for_a_correlation_are_said() -> None:
    two = plant(dict.fromkeys(NORMS[:2], Mode()), make_specs(NORMS[:2], gains=[0.5, 1.0], lrs=[0.1], num_seeds=1))
    with pytest.raises(InputError, match="too few modes have learned for a correlation across modes"):
        Prediction(QUANTITY, "across")(gather_evidence(two))
    with pytest.raises(InputError, match="too few initializations and gains have learned for a correlation within"):
        Prediction(QUANTITY, "within")(gather_evidence(two))
    with pytest.raises(InputError, match="no trial has a measurement of ics"):
        Prediction(QUANTITY, "within", "relative_ics")(gather_evidence(replace(two, ics=two.ics.iloc[:0])))


def test_what_is_correlated_is_said_in_words() -> None:
    assert Prediction(QUANTITY, "within").statistic.startswith(
        "minus Spearman's correlation with final accuracy at one lr"
    )
    assert ", minus the same of: " in Prediction(QUANTITY, "across", "relative_ics").statistic
