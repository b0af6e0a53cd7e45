"""Thirteen modes are told apart by their colours, on a light ground and on a dark one."""

from itertools import combinations

import pytest

from analysis.plots.style import NORM_STYLES
from tests.analysis.colour_distance import SIGHTS, distance


def test_the_distance_is_that_of_cielab() -> None:
    assert distance("#000000", "#ffffff", "full") == pytest.approx(100, abs=0.1)
    assert distance("#ff0000", "#00ff00", "full") == pytest.approx(170.6, abs=0.1)
    assert distance("#ff0000", "#00ff00", "deuteranopia") < 0.5 * distance("#ff0000", "#00ff00", "full")


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("ground", ["color", "on_dark"])
def test_any_two_modes_are_told_apart(ground: str, sight: str) -> None:
    colors = {norm: getattr(look, ground) for norm, look in NORM_STYLES.items()}
    apart = {pair: distance(colors[pair[0]], colors[pair[1]], sight) for pair in combinations(colors, 2)}
    nearest = min(apart, key=lambda pair: apart[pair])
    least = 13 if (ground, sight) == ("color", "tritanopia") else 17
    assert apart[nearest] >= least, nearest
