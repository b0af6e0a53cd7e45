"""What is true of each normalization mode.

Accuracy over log10 lr is a trapezium: at its mode's peak between `low` and `high`, at chance `RAMP` decades beyond, and
diverged above `diverges_above`. Each seed is a little worse than the one before, and diverges a little earlier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bnsweep.spec import TrialSpec

CHANCE = 0.1
RAMP = 1.2
SEED_SHIFT = 0.01
SEED_EDGE = 0.2


@dataclass(frozen=True)
class Truth:
    """What is true of a mode: where it trains (log10 lr), how well, where it diverges, and how rough its loss is."""

    low: float
    high: float
    peak: float
    diverges_above: float
    roughness: float
    shift: float


TRUTHS: Mapping[str, Truth] = {
    "none": Truth(-1.0, -1.0, 0.93, -0.3, 8.0, 0.6),
    "batch": Truth(-2.0, 0.0, 0.97, 0.6, 1.0, 1.0),
    "noisy_batch": Truth(-2.0, 0.0, 0.96, 1.1, 1.3, 2.2),
}
OTHER = Truth(-2.0, -1.0, 0.95, 0.2, 3.0, 0.8)


def truth_of(norm: str) -> Truth:
    return TRUTHS.get(norm, OTHER)


def accuracy_of(spec: TrialSpec) -> float | None:
    """Return the true test accuracy; None where the trial diverges."""
    truth, at = truth_of(spec.norm), math.log10(spec.lr)
    gain_edge = 0.5 * math.log2(spec.init_gain) if spec.norm == "none" else 0.0
    if at > truth.diverges_above - gain_edge - SEED_EDGE * spec.seed:
        return None
    outside = max(truth.low - at, at - truth.high, 0.0)
    outside += SEED_EDGE * spec.seed if outside else 0.0
    peak = truth.peak - SEED_SHIFT * spec.seed
    return CHANCE + (peak - CHANCE) * max(0.0, 1 - outside / RAMP)
