"""Measures of curves against definitions by hand, against every course that a curve may take, and their invariants."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.measures import curves
from analysis.measures.curves import Measured
from analysis.statistics.nan_aware import Floats

LRS = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
CHANCE, BAR = 0.1, 0.9
NAN = float("nan")

accuracies = arrays(float, (3, 5), elements=st.floats(0, 1))
some_missing = arrays(float, (3, 5), elements=st.one_of(st.floats(0, 1), st.just(NAN)))
fractions = st.floats(0.05, 1)


def decades(*scores: float, bar: float = BAR, lrs: list[float] = LRS) -> Measured:
    return curves.trainable_decades(np.array(scores), lrs, bar)


def area(*scores: float) -> Measured:
    return curves.mean_accuracy(np.array(scores), LRS)


def numbers(measured: Measured) -> list[float]:
    """Return value, low, high and grid_sd of one curve."""
    return [float(one) for one in (measured.value, measured.low, measured.high, measured.grid_sd)]


def courses(ends: Floats, count: int = 200_000) -> Floats:
    """Return totals over the gaps of courses that go from each end to the next anywhere between, gaps of length 1."""
    where = np.random.default_rng(0).random((count, len(ends) - 1))
    return np.asarray((where * ends[:-1] + (1 - where) * ends[1:]).sum(axis=1))


@pytest.mark.parametrize(
    "scores",
    [
        (0.1, 1.0, 1.0, 0.6, 0.1),
        (0.2, 0.95, 0.7, 1.0, 0.92),
        (1.0, 0.2, 0.2, 0.2, 0.95),
        (0.1, 0.1, 0.1, 0.1, 0.1),
        (1.0, 1.0, 1.0, 1.0, 1.0),
    ],
)
def test_a_measure_is_the_middle_of_all_courses_between_the_lr_grid(scores: tuple[float, ...]) -> None:
    for measured, ends in (
        (decades(*scores), (np.array(scores) >= BAR).astype(float)),
        (area(*scores), np.array(scores) / 4),
    ):
        found = courses(ends)
        crossed = np.abs(np.diff(ends)).sum() / 2
        expected = [found.mean(), found.mean() - crossed, found.mean() + crossed, found.std()]
        assert numbers(measured) == pytest.approx(expected, abs=3e-3)


def test_a_plateau_by_hand() -> None:
    # One gap of 1 decade between two that train, and one on either side that is crossed somewhere.
    assert numbers(decades(0.1, 1.0, 1.0, 0.6, 0.1)) == pytest.approx([2, 1, 3, np.sqrt(2 / 12)])
    # The areas of the gaps: 0.55, 1, 0.8, 0.35 in the middle, ranges 0.9, 0, 0.4, 0.5.
    sd = np.sqrt((0.9**2 + 0.4**2 + 0.5**2) / 12)
    assert numbers(area(0.1, 1.0, 1.0, 0.6, 0.1)) == pytest.approx([2.7 / 4, 1.8 / 4, 3.6 / 4, sd / 4])


@given(arrays(int, (3, 5), elements=st.integers(0, 99)), st.integers(15, 99))
def test_the_smooth_decades_are_those_of_a_dense_sampling_of_the_line(percent: Floats, bar: int) -> None:
    dense = np.linspace(-3, 1, 40_001)
    smooth = curves.trainable_decades(percent / 100, LRS, np.full(3, bar / 100)).smooth
    sampled = [(np.interp(dense, np.log10(LRS), curve) > bar - 1e-6).mean() * 4 for curve in percent]
    assert smooth == pytest.approx(sampled, abs=1e-3)


def test_gaps_count_by_their_length() -> None:
    lrs = [1.0, 10.0, 10_000.0]
    assert numbers(decades(1.0, 1.0, 0.1, lrs=lrs)) == pytest.approx([2.5, 1, 4, 3 / np.sqrt(12)])
    mean = curves.mean_accuracy(np.array([0.2, 0.4, 0.8]), lrs)
    assert numbers(mean)[:3] == pytest.approx([(0.3 + 3 * 0.6) / 4, (0.2 + 3 * 0.4) / 4, (0.4 + 3 * 0.8) / 4])


def test_a_dip_costs_its_own_length_only() -> None:
    whole, dipped = (numbers(decades(1.0, 1.0, middle, 1.0, 1.0)) for middle in (1.0, 0.89))
    assert whole == [4, 4, 4, 0]
    assert dipped == pytest.approx([3, 2, 4, np.sqrt(2 / 12)])
    assert float(decades(1.0, 1.0, 0.89, 1.0, 1.0).smooth) == pytest.approx(4 - 2 * 0.01 / 0.11)


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.integers(0, 2))
def test_a_plateau_holds_its_width_wherever_it_lies(left: float, right: float, whole: int) -> None:
    """It crosses `left` of the way into the first gap and `right` of the way into another."""
    scores = [0.1] + [1.0] * (whole + 1) + [0.1] * (3 - whole)
    measured, width = decades(*scores), whole + left + right
    assert measured.low <= width <= measured.high
    assert abs(measured.value - width) <= 1


def test_over_all_places_of_its_edges_a_plateau_keeps_its_width_on_average_and_its_sd() -> None:
    rng = np.random.default_rng(0)
    edges = np.array([-1.7, 0.2])[:, None] + rng.uniform(-1, 1, (2, 50_000)) / 2
    scores = np.where((np.log10(LRS) > edges[0][:, None]) & (np.log10(LRS) < edges[1][:, None]), 1.0, 0.1)
    measured = curves.trainable_decades(scores, LRS, np.full(len(scores), BAR))
    error = measured.value - (edges[1] - edges[0])
    assert error.mean() == pytest.approx(0, abs=0.01)
    assert error.std() == pytest.approx(measured.grid_sd.mean(), rel=0.01)


def test_a_missing_point_within_makes_one_gap_of_two() -> None:
    assert numbers(decades(0.1, 1.0, NAN, 1.0, 0.1)) == numbers(decades(0.1, 1.0, 1.0, 1.0, 0.1))
    assert numbers(decades(0.1, 1.0, NAN, 0.1, 0.1)) == pytest.approx([1.5, 0, 3, np.sqrt((1 + 4) / 12)])
    assert numbers(area(0.5, 1.0, NAN, 0.5, 0.5)) == pytest.approx([2.75 / 4, 2 / 4, 3.5 / 4, np.sqrt(1.25 / 12) / 4])


def test_beyond_the_outermost_result_anything_may_be() -> None:
    assert numbers(decades(NAN, 1.0, 1.0, 0.1, 0.1)) == pytest.approx([2, 1, 3, np.sqrt(2 / 12)])
    assert numbers(decades(0.1, 0.1, 0.1, NAN, NAN)) == pytest.approx([1, 0, 2, 2 / np.sqrt(12)])
    assert numbers(area(NAN, 0.8, 0.8, 0.8, NAN)) == pytest.approx([2.6 / 4, 1.6 / 4, 3.6 / 4, np.sqrt(2 / 12) / 4])
    assert float(decades(NAN, 1.0, 1.0, 0.1, 0.1).smooth) == pytest.approx(2 + 0.1 / 0.9)


@pytest.mark.parametrize("measure", [decades, area])
def test_without_any_result_there_is_nothing_and_with_one_everything_is_open(measure: type[decades]) -> None:
    for field in fields(Measured):
        assert np.isnan(getattr(measure(*[NAN] * 5), field.name))
    most = 4 if measure is decades else 1
    assert numbers(measure(NAN, NAN, 0.95, NAN, NAN))[:3] == pytest.approx([most / 2, 0, most])


def test_one_learning_rate_has_no_width_and_no_area() -> None:
    for measured in (decades(1.0, lrs=[0.1]), curves.mean_accuracy(np.ones((2, 1)), [0.1])):
        assert np.isnan(measured.value).all()


@pytest.mark.parametrize("measure", [decades, area])
@given(some_missing)
def test_the_value_lies_in_the_middle_of_what_can_be(measure: type[decades], scores: Floats) -> None:
    for curve in scores[~np.isnan(scores).all(axis=-1)]:
        value, low, high, sd = numbers(measured := measure(*curve))
        assert value == pytest.approx((low + high) / 2)
        assert 0 <= low <= high <= (4 if measure is decades else 1) + 1e-9
        assert 0 <= sd <= (high - low) / np.sqrt(12) + 1e-9  # as much as if all of it were one gap
        assert low - 1e-9 <= float(measured.smooth) <= high + 1e-9


@pytest.mark.parametrize("measure", [decades, area])
@given(st.data())
def test_a_missing_point_that_lies_between_its_neighbours_never_narrows(
    measure: type[decades], data: st.DataObject
) -> None:
    scores = data.draw(arrays(float, 5, elements=st.floats(0, 1)))
    gone = data.draw(st.integers(0, 4))
    if 0 < gone < 4:
        scores[gone] = data.draw(st.floats(*sorted((scores[gone - 1], scores[gone + 1]))))
    whole, holed = measure(*scores), measure(*np.where(np.arange(5) == gone, NAN, scores))
    assert holed.low <= whole.low + 1e-9
    assert holed.high >= whole.high - 1e-9


def test_a_sum_that_misses_the_bar_by_rounding_is_on_it() -> None:
    assert 0.15 < 0.1 + 0.05  # which is why
    assert curves.reaches(0.15, 0.1 + 0.05)
    assert not curves.reaches(0.15 - 1e-8, 0.15)
    assert not curves.reaches(NAN, 0.1)
    assert numbers(decades(0.15, 0.15, 0.1, 0.1, 0.1, bar=0.1 + 0.05))[0] == pytest.approx(1.5)
    assert curves.reaches_end(np.array([0.15, 0.1]), 0.1 + 0.05)


def test_a_bar_is_a_fraction_of_the_best_and_clearly_above_chance() -> None:
    assert curves.threshold([1.0, 0.103], CHANCE, 0.8) == pytest.approx([0.8, 0.15])
    assert numbers(decades(*[0.103] * 5, bar=float(curves.threshold(0.103, CHANCE)))) == [0, 0, 0, 0]


@given(accuracies, fractions, fractions)
def test_decades_fall_as_the_fraction_rises(scores: Floats, one: float, other: float) -> None:
    easy, hard = (
        curves.trainable_decades(scores, LRS, curves.threshold(np.ones(3), CHANCE, fraction))
        for fraction in sorted((one, other))
    )
    for name in ("value", "low", "high", "smooth"):
        assert (getattr(hard, name) <= getattr(easy, name) + 1e-9).all()


@given(some_missing, fractions)
def test_spans_add_up_to_the_decades_but_for_what_no_result_is_next_to(scores: Floats, fraction: float) -> None:
    bar = float(curves.threshold(1.0, CHANCE, fraction))
    for curve in scores[~np.isnan(scores).all(axis=-1)]:
        spans = curves.trainable_spans(curve, LRS, bar)
        known = np.flatnonzero(~np.isnan(curve))
        beyond = ((known[0], curve[known[0]]), (4 - known[-1], curve[known[-1]]))
        elsewhere = sum(length / 2 for length, score in beyond if not curves.reaches(score, bar))
        total = sum(np.log10(high / low) for low, high in spans)
        assert total + elsewhere == pytest.approx(numbers(decades(*curve, bar=bar))[0], abs=1e-6)
        edges = [edge for span in spans for edge in span]
        assert edges == sorted(set(edges))  # spans that touch are one


def test_spans_reach_halfway_to_what_does_not_train() -> None:
    half = float(np.sqrt(10))
    spans = curves.trainable_spans(np.array([1.0, 0.1, 1.0, 1.0, 0.1]), LRS, BAR)
    assert np.ravel(spans) == pytest.approx([1e-3, 1e-3 * half, 1e-2 * half, half])


def test_a_width_that_runs_into_an_end_of_what_is_known_is_told() -> None:
    assert curves.reaches_end(np.array([NAN, 1.0, NAN, 0.5, NAN]), 0.9)
    assert curves.reaches_end(np.array([NAN, 0.5, NAN, 1.0, NAN]), 0.9)
    assert not curves.reaches_end(np.array([0.5, 0.95, 0.1]), 0.9)
    assert not curves.reaches_end(np.full(3, NAN), 0.0)
    by_seed = np.array([[0.5, 0.1], [0.6, 0.1]])
    assert curves.reaches_end(by_seed, [0.7, 0.6])
    assert not curves.reaches_end(by_seed, [0.5 + 0.1, 0.7])


@given(accuracies)
def test_an_area_is_a_mean_accuracy(scores: Floats) -> None:
    found = curves.mean_accuracy(scores, LRS)
    assert (scores.min(axis=-1) - 1e-9 <= found.low).all()
    assert (found.high <= scores.max(axis=-1) + 1e-9).all()
    assert found.value == pytest.approx(np.trapezoid(scores, np.log10(LRS)) / 4)
    assert found.smooth == pytest.approx(found.value)


def test_inits_and_gains_are_averaged_and_the_grid_does_not_average_out() -> None:
    scores = np.array([[[[0.1, 1.0, 1.0, 0.1, 0.1], [0.1, 1.0, 0.1, 0.1, 0.1]]]])
    pooled = curves.over_curves(curves.trainable_decades(scores, LRS, np.full((1, 1, 2), BAR)))
    assert pooled.value.shape == (1,)
    expected = {"value": 1.5, "low": 0.5, "high": 2.5, "grid_sd": np.sqrt(2 / 12), "smooth": 0.5 + 2 / 9}
    for name, number in expected.items():
        assert getattr(pooled, name) == pytest.approx(number), name
    with_a_curve_that_has_no_result = np.append(scores, np.full((1, 1, 1, 5), NAN), axis=2)
    again = curves.over_curves(curves.trainable_decades(with_a_curve_that_has_no_result, LRS, np.full((1, 1, 3), BAR)))
    assert again.value == pytest.approx(1.5)


def test_the_lowest_of_some_curves_can_be_as_low_as_any_and_no_higher_than_the_lowest_high() -> None:
    level, steep, missing = [0.5] * 5, [0.0, 0.0, 0.5, 1.0, 1.0], [NAN] * 5
    for scores in ([level, steep, missing], [steep, missing, level]):
        lowest = curves.lowest_curve(curves.mean_accuracy(np.array(scores)[None], LRS))
        assert lowest.value.shape == ()
        # Of the same area; the steep one can be as low as (0.5 + 1) / 4.
        assert numbers(lowest)[:3] == pytest.approx([0.5, 0.375, 0.5])
    # What is known of it is 0.15 over the first decade; in the second anything may be, of which 0.5 is the middle.
    grid = np.array([[[0.1, 0.6, 0.9], [0.1, 0.9, 0.5]], [[0.1, 1.0, 0.1], [0.1, 0.2, NAN]]])
    lowest = curves.lowest_curve(curves.mean_accuracy(grid, LRS[:3]))
    assert numbers(lowest) == pytest.approx([0.325, 0.05, 0.6, np.sqrt((0.1**2 + 1) / 12) / 2])
    nothing = curves.lowest_curve(curves.mean_accuracy(np.full((1, 1, 5), NAN), LRS))
    assert np.isnan(nothing.value)


@given(some_missing)
def test_gaps_lie_between_the_results_and_fill_the_range(scores: Floats) -> None:
    for curve, left, right, length in zip(scores, *curves.gaps(scores, LRS), strict=True):
        known = np.flatnonzero(~np.isnan(curve))
        assert left[~np.isnan(left)].tolist() == right[~np.isnan(right)].tolist() == curve[known].tolist()
        if len(known):
            between = ~np.isnan(left + right)
            assert length[between] == pytest.approx(np.diff(known).astype(float))
            assert length.sum() == pytest.approx(4)
        else:
            assert np.isnan(length).all()
