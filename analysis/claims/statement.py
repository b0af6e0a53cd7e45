"""A claim as statements that data can contradict: an effect, and the bound that it should be above or below."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, Protocol

from analysis.claims.estimate import Estimate
from analysis.claims.evidence import Evidence

Side = Literal["above", "below"]
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
        side: whether the statement says that the effect is above or below `bound`.
        bound: 0 for a difference, a margin for 'no worse than'; fixed before any data were seen.
        unit: of the effect.
        figure: the figure of the report that shows it.
    """

    label: str
    text: str
    effect: Effect
    side: Side
    bound: float
    unit: str
    figure: str

    def verdict(self, low: float, high: float) -> Verdict:
        """Return what an interval says: supported or contradicted where all of it is on one side of the bound."""
        if not isfinite(low) or low <= self.bound <= high:
            return "unresolved"
        return "supported" if (low > self.bound) == (self.side == "above") else "contradicted"


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and its statements by name; their intervals hold simultaneously."""

    title: str
    source: str
    statements: dict[str, Statement]
