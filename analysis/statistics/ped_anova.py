"""PED-ANOVA: which parameter sets the best tenth of the trials apart (Watanabe et al. 2023), in Optuna's details.

Of each parameter the values of the best trials and of all are smoothed on a grid; the importance is the Pearson
divergence between the two densities. It takes counts alone, so a million trials cost hardly more than their sorting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.nan_aware import Floats

TOP = 0.1
STEPS = 50
"""Places of the grid that numbers are counted on."""
MIN_SIGMA = 0.5 / 1.64
"""So that 90 % of a kernel fall into one place of the grid."""
TINY = 1e-12

Codes = NDArray[np.intp]
Counts = NDArray[np.int64]


def ped_anova(numbers: Mapping[str, Floats], names: Mapping[str, Codes], scores: Floats) -> dict[str, float]:
    """Return by parameter how much it sets the best tenth apart; all add up to 1, and are alike where none does.

    Args:
        numbers: by parameter that is measured, its values, shape (num_trials,), of which at least two differ.
        names: by parameter that is not, which of its levels each trial has, from 0, shape (num_trials,).
        scores: of the trials, the more the better, shape (num_trials,).
    """
    place = int(np.ceil(TOP * len(scores))) - 1
    is_top = scores >= -np.partition(-scores, place)[place]
    found = {name: _apart(_places(values), STEPS, is_top, of_numbers) for name, values in numbers.items()}
    found |= {name: _apart(codes, int(codes.max()) + 1, is_top, of_names) for name, codes in names.items()}
    total = sum(found.values())
    return {name: one / total if total else 1 / len(found) for name, one in found.items()}


def _places(values: Floats) -> Codes:
    """Return on which place of an even grid from the least to the largest each value is; in the middle, the lower."""
    step = (values.max() - values.min()) / (STEPS - 1)
    return np.asarray(np.clip(np.ceil((values - values.min()) / step - 0.5), 0, STEPS - 1), dtype=np.intp)


def _apart(places: Codes, size: int, is_top: NDArray[np.bool_], density: Callable[[Counts], Floats]) -> float:
    """Return the Pearson divergence of the density of the best trials from that of all."""
    of_top, of_all = (density(np.bincount(some, minlength=size)) + TINY for some in (places[is_top], places))
    return float(of_all @ (of_top / of_all - 1) ** 2)


def of_names(counts: Counts) -> Floats:
    """Return the density over levels: a kernel at each that was seen, nearly all on itself, and one that is even."""
    kernels, levels = int((counts > 0).sum()) + 1, len(counts)
    elsewhere = 1 / kernels
    of_seen = (counts + counts.sum() * elsewhere) / (1 + levels * elsewhere)
    return np.asarray((of_seen + 1 / levels) / (counts.sum() + 1))


def of_numbers(counts: Counts) -> Floats:
    """Return the density over places: a normal kernel at each that was seen, as wide as Scott 1992 says, and one broad.

    Each is cut off at the ends of the grid.
    """
    seen, places = np.flatnonzero(counts), np.arange(len(counts))
    centres = np.append(seen.astype(float), (len(counts) - 1) / 2)
    sigmas = np.append(np.full(len(seen), _sigma(seen, counts[seen])), float(len(counts)))
    low, high = (_below(np.asarray(places[:, None] + side, dtype=float), centres, sigmas) for side in (-0.5, 0.5))
    inside = _below(len(counts) - 0.5, centres, sigmas) - _below(-0.5, centres, sigmas)
    weights = np.append(counts[seen], 1) / (counts.sum() + 1)
    return np.asarray(((high - low) / inside) @ weights)


def _below(ends: Floats | float, centres: Floats, sigmas: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr((ends - centres) / sigmas))


def _sigma(places: Codes, counts: Counts) -> float:
    """Return Scott's width, by the standard deviation or the quartiles, whichever is narrower."""
    total, reached = int(counts.sum()), np.cumsum(counts)
    mean = places @ counts / total
    spread = np.sqrt((places - mean) ** 2 @ counts / max(1, total - 1))
    low = np.searchsorted(reached, total // 4, side="left")
    high = min(len(places) - 1, int(np.searchsorted(reached, total * 3 // 4, side="right")))
    quartiles = (places[high] - places[low]) / 1.34
    return max(float(1.059 * min(quartiles, spread) * total**-0.2), MIN_SIGMA)
