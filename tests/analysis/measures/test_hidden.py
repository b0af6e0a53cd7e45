"""What may hide between two tested rates, by hand and against plateaus that were thrown at a grid."""

import numpy as np
import pytest

from analysis.measures import curves
from analysis.measures.hidden import is_seen, known_gaps, span_of_top, top_may_hide, with_hidden
from analysis.statistics.nan_aware import Floats

LRS = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
CHANCE, BAR = 0.1, 0.9
NAN = float("nan")
NEVER, ONCE, TWICE = [0.1] * 5, [0.1, 0.1, 0.95, 0.1, 0.1], [0.1, 0.1, 0.95, 0.9, 0.1]


def seeds(*scores: float) -> Floats:
    """Return one curve that three seeds share, shape (S, K, L)."""
    return np.tile(np.array(scores), (3, 1, 1))


def test_a_top_is_seen_where_two_neighbouring_rates_have_it() -> None:
    assert is_seen(np.array([NEVER, ONCE, TWICE]), LRS, CHANCE).tolist() == [False, False, True]
    assert is_seen(np.array([0.1, 0.95, NAN, 0.95, 0.1]), LRS, CHANCE)
    assert not is_seen(np.array([0.95, 0.1, 0.1, 0.1, 0.95]), LRS, CHANCE)
    assert is_seen(np.array([0.1, 0.5, 0.5, 0.1, 0.1]), LRS, CHANCE)  # its own top, though another mode's be higher
    assert not is_seen(np.full(5, NAN), LRS, CHANCE)
    assert not is_seen(np.array([0.14, 0.14, 0.14, 0.14, 0.14]), LRS, CHANCE)  # chance has no top


def test_what_may_hide_is_a_plateau_with_both_edges_in_the_widest_gap() -> None:
    scores, lrs = np.array([NEVER, TWICE]), [1e-3, 1e-2, 1e-1, 1.0, 1000.0]
    measured = curves.trainable_decades(scores, lrs, BAR)
    hidden = with_hidden(measured, known_gaps(scores, lrs), np.array([1.0, 0.0]))
    assert (hidden.value == measured.value).all()
    assert (hidden.low == measured.low).all()
    assert (hidden.high - measured.high).tolist() == [3.0, 0.0]
    assert hidden.grid_sd == pytest.approx([3 * np.sqrt(2 / 12), measured.grid_sd[1]])


def test_gaps_without_a_result_at_both_ends_are_not_among_the_tested() -> None:
    lengths = known_gaps(np.array([[NAN, 0.5, 0.5, NAN, 0.5], [NAN] * 5]), LRS)
    assert lengths.max(axis=-1).tolist() == [2.0, 0.0]


def test_the_span_of_a_top_is_that_of_the_curve_that_holds_it_longest() -> None:
    assert span_of_top(seeds(*TWICE), LRS, CHANCE) == pytest.approx(1)
    assert span_of_top(seeds(*ONCE), LRS, CHANCE) == 0
    lower = np.concatenate([seeds(*ONCE), 0.5 * np.ones((3, 1, 5))], axis=1)
    assert span_of_top(lower, LRS, CHANCE) == 0  # the second never reaches the top of the first
    differ = seeds(*ONCE)
    differ[0] = TWICE
    assert span_of_top(differ, LRS, CHANCE) == 0  # of the mean over seeds


def test_only_a_mode_that_trains_nowhere_is_let_pass_beside_one_that_is_wider_than_any_gap() -> None:
    never, once, twice = (seeds(*scores) for scores in (NEVER, ONCE, TWICE))
    assert not top_may_hide(twice, None, LRS, CHANCE)
    assert top_may_hide(once, None, LRS, CHANCE)
    assert top_may_hide(never, None, LRS, CHANCE)
    assert not top_may_hide(never, twice, LRS, CHANCE)
    assert top_may_hide(never, once, LRS, CHANCE)
    assert top_may_hide(once, twice, LRS, CHANCE)
    uneven = [1e-3, 1e-2, 1e-1, 1.0, 1000.0]
    assert top_may_hide(never, twice, uneven, CHANCE)


def test_of_two_narrow_plateaus_of_equal_width_the_error_covers_what_chance_makes() -> None:
    """Thrown at the grid: one falls on a tested rate, the other does not."""
    rng = np.random.default_rng(0)
    for width in (0.2, 0.5, 0.9):
        middle = rng.uniform(-2, 0, (2, 5000))
        scores = np.where(np.abs(np.log10(LRS) - middle[..., None]) < width / 2, 0.95, CHANCE)
        measured = curves.trainable_decades(scores, LRS, np.full((2, 5000), BAR))
        trains_nowhere = (scores < BAR).all(axis=-1)
        hidden = with_hidden(measured, known_gaps(scores, LRS), trains_nowhere.astype(float))
        difference = np.abs(measured.value[0] - measured.value[1])
        assert (difference <= 2.24 * np.hypot(*hidden.grid_sd) + 1e-9).all()
        assert (difference > 2.24 * np.hypot(*measured.grid_sd) + 1e-9).any()  # without it: a false verdict
