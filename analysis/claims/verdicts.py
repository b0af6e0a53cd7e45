"""The verdicts as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

import pandas as pd

from analysis.claims.estimate import Estimate
from analysis.claims.evidence import Evidence, gather_evidence
from analysis.claims.paper import CLAIMS
from analysis.claims.probe_contrast import ProbeContrast
from analysis.claims.statement import Claim, Statement
from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.statistics.intervals import CONFIDENCE
from analysis.statistics.power import PowerCurve, power_curve
from bnsweep.errors import InputError

VERDICTS = ("supported", "contradicted", "unresolved", "not tested")
COLUMNS = (
    *(
        "configuration",
        "claim",
        "title",
        "source",
        "statement",
        "label",
        "text",
        "statistic",
        "verdict",
        "effect",
        "low",
        "high",
    ),
    *("unit", "side", "bound", "confidence", "n", "counted", "cells", "seeds_needed", "note", "figure"),
)
LR_COLUMNS = ("configuration", "claim", "statement", "label", "lr", "effect", "unit", "cells", "n_seeds")


@dataclass(frozen=True)
class Verdicts:
    """`statements` has a row for each statement of each claim; `by_lr` one for each that compares probes and each lr.

    The effect is the mean over seeds and has the interval from `low` to `high` at `confidence`, NaN where `note` says
    why; `n` counts what `counted` names; `cells` counts the points of the grid that a probe is compared at.
    """

    statements: pd.DataFrame
    by_lr: pd.DataFrame

    def of(self, configuration: str) -> Verdicts:
        """Return the rows of one configuration."""
        return Verdicts(*(table[table["configuration"] == configuration] for table in (self.statements, self.by_lr)))


def judge(results: Results) -> Verdicts:
    """Judge every statement of every claim, in each configuration."""
    evidence = {label: gather_evidence(part) for label, part in split_configurations(results).items()}
    statements = [{"configuration": label} | row for label, one in evidence.items() for row in _statement_rows(one)]
    by_lr = [{"configuration": label} | row for label, one in evidence.items() for row in _lr_rows(one)]
    return Verdicts(pd.DataFrame(statements, columns=list(COLUMNS)), pd.DataFrame(by_lr, columns=list(LR_COLUMNS)))


def _statement_rows(evidence: Evidence) -> Iterator[dict[str, object]]:
    for name, claim in CLAIMS.items():
        found = {key: _tested(statement, evidence) for key, statement in claim.statements.items()}
        tested = sum(isinstance(one, Estimate) for one in found.values())
        confidence = 1 - (1 - CONFIDENCE) / max(1, tested)
        power = power_curve(confidence)
        for key, statement in claim.statements.items():
            yield _head(name, claim, key, statement) | _judged(statement, found[key], confidence, power)


def _tested(statement: Statement, evidence: Evidence) -> Estimate | str:
    """Return the effect, or what the sweep lacks."""
    try:
        return statement.effect(evidence)
    except InputError as error:
        return str(error)


def _head(name: str, claim: Claim, key: str, statement: Statement) -> dict[str, object]:
    return {
        "claim": name,
        "title": claim.title,
        "source": claim.source,
        "statement": key,
        "label": statement.label,
        "text": statement.text,
        "statistic": statement.effect.statistic,
        "unit": statement.unit,
        "side": statement.side,
        "bound": statement.bound,
        "figure": statement.figure,
    }


def _judged(statement: Statement, found: Estimate | str, confidence: float, power: PowerCurve) -> dict[str, object]:
    if isinstance(found, str):
        return {"verdict": "not tested", "effect": nan, "low": nan, "high": nan, "note": found}
    low, high = found.interval(confidence)
    return {
        "verdict": statement.verdict(low, high),
        "effect": found.value,
        "low": low,
        "high": high,
        "confidence": confidence,
        "n": found.n,
        "counted": found.counted,
        "cells": found.cells,
        "seeds_needed": found.seeds_needed(statement.bound, power),
        "note": found.no_interval,
    }


def _lr_rows(evidence: Evidence) -> Iterator[dict[str, object]]:
    for name, claim in CLAIMS.items():
        for key, statement in claim.statements.items():
            effect = statement.effect
            if not isinstance(effect, ProbeContrast) or isinstance(_tested(statement, evidence), str):
                continue
            head = {"claim": name, "statement": key, "label": statement.label, "unit": statement.unit}
            for lr, (value, cells) in effect.by_lr(evidence).items():
                yield head | {"lr": lr, "effect": value, "cells": cells, "n_seeds": len(evidence.grid.seeds)}
