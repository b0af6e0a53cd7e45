"""Functional analysis of variance on a complete grid: by means over it, exact, without a model.

A function on a grid is the sum of its mean, a main effect of each axis, an interaction of each two, and so on; each
part averages to 0 over any of its axes, so their variances add up to that of the function (Hoeffding 1948; Sobol' 1993;
with every level of an axis weighing the same, what Hutter et al. 2014 estimate by a random forest).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analysis.statistics.nan_aware import Floats


@dataclass(frozen=True)
class Effect:
    """How much of the variance a main effect or an interaction explains."""

    axes: tuple[int, ...]
    """One axis of the grid, or two; none for the rest."""
    share: float
    """Of the variance over the grid; all of them and the rest add up to 1."""
    by_chance: float
    """What it would be on average if it had no effect: its degrees of freedom times the rest per degree of freedom.

    The rest serves as the noise, as in the F test of an analysis of variance without replication: real interactions of
    higher order in it make this too large. NaN where the rest has no degree of freedom.
    """


def grid_anova(values: Floats, noise: int | None = None) -> list[Effect]:
    """Return every main effect, the interactions of two axes but those with the axis `noise`, and last the rest.

    Args:
        values: one per point of the grid, an axis per parameter, without NaN; not all the same.
        noise: an axis that stands for chance, such as the seed.
    """
    axes = range(values.ndim)
    centred = values - values.mean()
    total = float((centred**2).mean())
    main = {(one,): _mean_over_others(centred, one) for one in axes}
    pairs = {
        pair: _mean_over_others(centred, *pair) - main[pair[:1]] - main[pair[1:]]
        for pair in combinations([one for one in axes if one != noise], 2)
    }
    parts = main | pairs
    degrees = {part: float(np.prod([values.shape[axis] - 1 for axis in part])) for part in parts}
    shares = {part: float((effect**2).mean()) / total for part, effect in parts.items()}
    rest, rest_degrees = max(0.0, 1 - sum(shares.values())), values.size - 1 - sum(degrees.values())
    noise_share = rest / rest_degrees if rest_degrees > 0 else np.nan
    found = [Effect(part, shares[part], degrees[part] * noise_share) for part in parts]
    return [*found, Effect((), rest, np.nan)]


def _mean_over_others(values: Floats, *axes: int) -> Floats:
    others = tuple(axis for axis in range(values.ndim) if axis not in axes)
    return np.asarray(values.mean(axis=others, keepdims=True))
