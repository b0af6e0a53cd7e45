"""A claim as statements that data can contradict: an effect, and the bound that it should be above or below."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, Protocol

from analysis.claims.evidence import Evidence
from analysis.statistics.estimate import Estimate

Side = Literal["above", "below", "within"]
Verdict = Literal["supported", "contradicted", "unresolved", "not tested"]


class Effect(Protocol):
    """Computes an effect from the evidence; raises `InputError` where the sweep lacks what it takes."""

    def __call__(self, evidence: Evidence) -> Estimate:
        """Return the effect."""

    @property
    def statistic(self) -> str:
        """What is measured, in words."""


@dataclass(frozen=True)
class Statement:
    """One testable part of a claim.

    Args:
        label: the effect in a few words.
        text: what is stated.
        effect: the statistic that decides.
        side: whether the statement says that the effect is above `bound`, below it, or within it on either side of 0.
        bound: 0 for a difference, a margin for 'no worse than' and 'the same as'; fixed before any data were seen.
        unit: of the effect.
        figure: the figure of the report that shows it.
        is_of_accuracy: whether it is about accuracy itself, so that R^2 says nothing of it.
    """

    label: str
    text: str
    effect: Effect
    side: Side
    bound: float
    unit: str
    figure: str
    is_of_accuracy: bool = False

    def verdict(self, low: float, high: float) -> Verdict:
        """Return what an interval says: supported or contradicted where all of it is on one side of the bound."""
        return verdict(self.side, self.bound, low, high)

    def nearest_bound(self, effect: float) -> float:
        """Return the bound that the effect is to be told from."""
        return -self.bound if self.side == "within" and effect < 0 else self.bound


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and its statements by name, at most `MAX_STATEMENTS`: their intervals hold at once.

    A check is no claim: it says whether what was done has the effect that it is made for.
    """

    title: str
    source: str
    statements: dict[str, Statement]
    is_check: bool = False


def verdict(side: Side, bound: float, low: float, high: float) -> Verdict:
    """Return what an interval says of an effect that should be above, below or within a bound.

    >>> verdict("above", 0.0, 0.1, 0.3), verdict("within", 0.2, -0.1, 0.3), verdict("below", 0.0, 0.1, 0.3)
    ('supported', 'unresolved', 'contradicted')
    """
    if not isfinite(low):
        return "unresolved"
    if side == "within":
        apart = low > bound or high < -bound
        return "supported" if -bound < low and high < bound else "contradicted" if apart else "unresolved"
    if low <= bound <= high:
        return "unresolved"
    return "supported" if (low > bound) == (side == "above") else "contradicted"
