"""Looks at a sweep while its seeds are added: after 3, 5 and 10 of them, and after each until a statement resolves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.claims.evidence import Evidence
from analysis.claims.statement import Statement
from analysis.statistics.estimate import NO_INTERVAL
from analysis.statistics.intervals import CONFIDENCE
from analysis.statistics.spending import MIN_SEEDS
from benchmarks.verdicts.tables import first_seeds
from benchmarks.verdicts.tally import Tally, Truth
from bnsweep.errors import InputError

SEEDS = (3, 5, 10)
STOPPED = f"{MIN_SEEDS}-{max(SEEDS)}, stopped"
EVERY = tuple(range(MIN_SEEDS, max(SEEDS) + 1))

Tallies = dict[tuple[str, str], Tally]
"""By seeds and statement."""


def new_tallies(statements: Mapping[str, Statement]) -> Tallies:
    """Return a count of nothing for each number of seeds and each statement."""
    return {(seeds, key): Tally() for seeds in (*map(str, SEEDS), STOPPED) for key in statements}


def count_looks(
    tallies: Tallies,
    evidence: Evidence,
    statements: Mapping[str, Statement],
    truths: Mapping[str, Truth],
    counts: Sequence[int] = EVERY,
) -> None:
    """Judge the first 3 to 10 seeds of one sweep, and count; what they cannot test has no interval."""
    looks = [first_seeds(evidence, count) for count in counts]
    for key, statement in statements.items():
        intervals = [_interval(statement, look) for look in looks]
        for seeds in SEEDS:
            tallies[str(seeds), key].add(statement, intervals[counts.index(seeds)], truths[key])
        resolved = [pair for pair in intervals if statement.verdict(*pair) != "unresolved"]
        tallies[STOPPED, key].add(statement, [*resolved, intervals[-1]][0], truths[key])


def _interval(statement: Statement, look: Evidence) -> tuple[float, float]:
    try:
        return statement.effect(look).interval(CONFIDENCE)
    except InputError:
        return NO_INTERVAL
