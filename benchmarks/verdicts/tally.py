"""Counts of what was judged rightly and wrongly, with their Monte-Carlo errors, and the goals that they are held to."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Literal

from analysis.claims.statement import Statement, Verdict
from analysis.statistics.intervals import CONFIDENCE

COVERAGE = 0.93
FALSE = 1 - CONFIDENCE
TWO_ERRORS = 0.0228
"""The chance of more than two standard errors on one side."""
MIN_GIVEN = 20
"""Fewer intervals say nothing of their coverage."""


@dataclass(frozen=True)
class Truth:
    """What is true, and the standard error with which it is known."""

    value: float
    error: float = 0.0

    def makes_false(self, statement: Statement, verdict: Verdict) -> bool:
        """Return whether a verdict is wrong; where the truth is on the bound, each that is resolved."""
        if verdict not in ("supported", "contradicted"):
            return False
        value, unsure = (abs(self.value) if statement.side == "within" else self.value), 3 * self.error + 1e-9
        if abs(value - statement.bound) <= unsure:
            return True
        holds = value > statement.bound if statement.side == "above" else value < statement.bound
        return holds != (verdict == "supported")


@dataclass
class Tally:
    """How many intervals there were, how many held the truth, and how many verdicts were resolved, and false."""

    total: int = 0
    given: int = 0
    covered: int = 0
    resolved: int = 0
    false: int = 0

    def add(self, statement: Statement, interval: tuple[float, float], truth: Truth) -> None:
        """Count one."""
        low, high = interval
        verdict = statement.verdict(low, high)
        self.total += 1
        self.given += isfinite(low)
        self.covered += low - 3 * truth.error - 1e-9 <= truth.value <= high + 3 * truth.error + 1e-9
        self.resolved += verdict in ("supported", "contradicted")
        self.false += truth.makes_false(statement, verdict)

    def missed(self, power: float | None = None) -> list[str]:
        """Return the goals that are missed by more than chance makes of what is allowed."""
        right = self.resolved - self.false
        goals = {
            "false": _is_chance(self.false, self.total, FALSE, 1),
            "coverage": self.given < MIN_GIVEN or _is_chance(self.covered, self.given, COVERAGE, -1),
            "power": power is None or _is_chance(right, self.total, power, -1),
        }
        return [name for name, is_met in goals.items() if not is_met]

    def columns(self) -> list[str]:
        """Return coverage, false verdicts and right ones, each as a share with its standard error."""
        right = self.resolved - self.false
        return [share(self.covered, self.given), share(self.false, self.total), share(right, self.total)]


def _is_chance(count: int, of: int, goal: float, sign: Literal[-1, 1]) -> bool:
    """Return whether a count as far above the goal, or below it with `sign` -1, is chance where the goal is just met.

    As likely as to be two standard errors away on that side: of few, or of rare events, by the binomial distribution.
    """
    from scipy.special import bdtr, bdtrc

    if not of:
        return True
    tail = bdtrc(count - 1, of, goal) if sign > 0 and count else bdtr(count, of, goal) if sign < 0 else 1.0
    return bool(tail >= TWO_ERRORS)


def share(count: int, of: int) -> str:
    """Return '0.95 ± 0.01'; the error is that of one more success and failure each (Agresti & Coull 1998).

    >>> share(95, 100), share(0, 0)
    ('0.950 ± 0.023', 'none')
    """
    if not of:
        return "none"
    rate = (count + 1) / (of + 2)
    return f"{count / of:.3f} ± {sqrt(rate * (1 - rate) / (of + 2)):.3f}"


@dataclass(frozen=True)
class Line:
    """One line of the table: `where` names the world, what was tested of it, and the statement."""

    where: tuple[str, ...]
    tally: Tally
    power: float | None = None

    @property
    def missed(self) -> list[str]:
        """The goals that are missed."""
        return self.tally.missed(self.power)

    def __str__(self) -> str:
        verdict = f"MISSED {', '.join(self.missed)}" if self.missed else "ok"
        return " | ".join([*self.where, *self.tally.columns(), verdict])


HEAD = "world | truth | rates | seeds | statement | coverage | false | right | goals"
