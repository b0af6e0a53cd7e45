"""Initializers as draws and scales: which of them are one draw, larger or smaller.

`default`, `kaiming_uniform` and `xavier_uniform` fill a layer with the same uniform numbers, `kaiming_normal` and
`xavier_normal` with the same normal ones, times a factor of the layer's fans (`bnsweep.training.initialization`). A
share over initializers that counted each of them would count one draw several times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from analysis.statistics.nan_aware import Floats, nan_mean


class Scale(NamedTuple):
    """What sets the weights of a trial apart from those of another of the same seed."""

    draw: str
    """The numbers that are drawn: uniform, normal or orthogonal."""
    falls_with: str
    """What the scale is inverse to the root of, layer by layer: fan_in, fan_in + fan_out or nothing."""
    factor: str
    """What it is multiplied by, to three digits."""


DRAWS: Mapping[str, tuple[str, str, float]] = {
    "default": ("uniform", "fan_in", 1.0),
    "kaiming_uniform": ("uniform", "fan_in", sqrt(6)),
    "xavier_uniform": ("uniform", "fan_in + fan_out", sqrt(6)),
    "kaiming_normal": ("normal", "fan_in", sqrt(2)),
    "xavier_normal": ("normal", "fan_in + fan_out", sqrt(2)),
    "orthogonal": ("orthogonal", "nothing", 1.0),
}
"""Draw, fans and factor by initializer: U(-1, 1), N(0, 1) or an orthogonal matrix, times factor / sqrt(fans)."""


def scale_of(init: str, gain: float) -> Scale:
    """Return the draw and the scale of the weights; an initializer that is not known is a draw of its own.

    >>> scale_of("kaiming_uniform", 1.0) == scale_of("default", 2.449)
    True
    """
    draw, falls_with, factor = DRAWS.get(init, (init, "nothing", 1.0))
    return Scale(draw, falls_with, f"{factor * gain:.3g}")


def mean_over_scales(values: Floats, inits: Sequence[str], gains: Sequence[float]) -> Floats:
    """Return the mean over initializers and gains in which each draw counts once, and within it each scale once.

    Trials of equal scale are averaged first, then the scales of a draw, then the draws; NaN is left out at each stage.
    Of one draw at several scales it is the plain mean over scales, whichever initializers they came from. The biases,
    which `default` alone draws, are not looked at.

    Args:
        values: shape (..., num_inits, num_gains); NaN where there is no result.
        inits: names of the initializers, in the order of the second last axis.
        gains: factors on the initial weights, in the order of the last axis.
    """
    places: dict[str, dict[Scale, list[tuple[int, int]]]] = {}
    for i, init in enumerate(inits):
        for g, gain in enumerate(gains):
            scale = scale_of(init, gain)
            places.setdefault(scale.draw, {}).setdefault(scale, []).append((i, g))
    means = [
        _mean([_mean([values[..., i, g] for i, g in same]) for same in scales.values()]) for scales in places.values()
    ]
    return _mean(means)


def _mean(parts: Sequence[Floats]) -> Floats:
    return nan_mean(np.stack(parts, axis=-1), -1)
