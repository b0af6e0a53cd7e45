import numpy as np
import pytest

from analysis.claims import CLAIMS
from analysis.claims.estimate import of_seeds
from analysis.claims.measure_difference import MeasureDifference
from analysis.claims.statement import Statement
from analysis.measures import MEASURES

NAN, INF = float("nan"), float("inf")
EFFECT = MeasureDifference("best_accuracy", "batch", "none")


@pytest.mark.parametrize(
    ("side", "bound", "interval", "verdict"),
    [
        ("above", 0.0, (0.1, 0.3), "supported"),
        ("above", 0.0, (-0.3, -0.1), "contradicted"),
        ("above", 0.0, (-0.1, 0.3), "unresolved"),
        ("above", 0.0, (0.0, 0.3), "unresolved"),
        ("above", -0.1, (-0.05, 0.3), "supported"),
        ("above", -0.1, (-0.3, -0.2), "contradicted"),
        ("below", 0.2, (-0.3, 0.1), "supported"),
        ("below", 0.2, (0.3, 0.4), "contradicted"),
        ("below", 0.0, (NAN, NAN), "unresolved"),
        ("above", 0.0, (-INF, INF), "unresolved"),
    ],
)
def test_a_verdict_takes_the_whole_interval(
    side: str, bound: float, interval: tuple[float, float], verdict: str
) -> None:
    assert Statement("", "", EFFECT, side, bound, "", "").verdict(*interval) == verdict  # type: ignore[arg-type]


@pytest.mark.parametrize("num_seeds", [3, 6])
def test_where_the_truth_is_on_the_bound_verdicts_are_rare_and_either_way(num_seeds: int) -> None:
    statement = Statement("", "", EFFECT, "above", -0.1, "", "")
    samples = np.random.default_rng(0).normal(-0.1, 1.0, size=(4000, num_seeds))
    verdicts = [statement.verdict(*of_seeds(sample).interval(0.95)) for sample in samples]
    for either in ("supported", "contradicted"):
        assert verdicts.count(either) / len(samples) == pytest.approx(0.025, abs=0.0075)


def test_an_estimate_says_why_it_has_no_interval() -> None:
    for values, why in (
        ([1.0, 2.0], "2 seeds: an interval takes 3 at least"),
        ([1.0, 1.0, 1.0], "no two seeds differ"),
        ([1.0, INF, 1.0], "at most points it overflowed"),
        ([1.0, 2.0, 4.0], ""),
    ):
        estimate = of_seeds(np.array(values))
        assert estimate.no_interval == why
        assert np.isfinite(estimate.interval(0.95)).all() == (not why)


def test_claims_name_measures_that_have_intervals_and_figures_that_exist() -> None:
    from analysis.plots import FIGURES

    statements = [(key, one) for claim in CLAIMS.values() for key, one in claim.statements.items()]
    assert len({key for key, _ in statements}) == len(statements)
    for _, statement in statements:
        assert statement.figure in FIGURES
        if isinstance(statement.effect, MeasureDifference):
            assert MEASURES[statement.effect.measure].interval
