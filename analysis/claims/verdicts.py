"""The verdicts as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import nan

import pandas as pd

from analysis.claims.evidence import Evidence, gather_evidence
from analysis.claims.measure_difference import MeasureDifference
from analysis.claims.paper import CLAIMS
from analysis.claims.probe_contrast import ProbeContrast
from analysis.claims.statement import Claim, Statement
from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.loading.one_line import one_line
from analysis.measures import FRACTION
from analysis.measures.curves import ABOVE_CHANCE
from analysis.measures.scores import NO_ACCURACY, in_scores, says_accuracy
from analysis.statistics.estimate import Estimate
from analysis.statistics.intervals import CONFIDENCE
from bnsweep.errors import InputError

VERDICTS = ("supported", "contradicted", "unresolved", "not tested")
COLUMNS = (
    *("configuration", "claim", "is_check", "title", "source", "statement", "label", "text", "statistic", "verdict"),
    *("effect", "low", "high", "grid_low", "grid_high", "unit", "side", "bound", "confidence", "n", "counted", "cells"),
    *("note", "advice", "figure"),
)
LR_COLUMNS = ("configuration", "claim", "statement", "label", "lr", "effect", "unit", "cells", "n_seeds")
FRACTIONS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
MARGINS = (0.02, 0.05, 0.1, 0.2, 0.4)
PROFILE_COLUMNS = ("configuration", "claim", "statement", "threshold", "at", "verdict", "effect", "low", "high")


@dataclass(frozen=True, repr=False)
class Verdicts:
    """The verdicts on one or several configurations.

    Args:
        statements: a row for each statement of each claim and check: the effect with the interval from `low` to `high`
            at `confidence`, NaN where `note` says why, as it says what the tested range cuts off; `grid_low` and
            `grid_high`, what the tested learning rates leave open of it; `n` counts what `counted` names, `cells` the
            points of the grid that a probe is compared at; `advice` says what would resolve it.
        by_lr: a row for each statement that compares probes and each learning rate.
        profile: a row for each statement and each threshold other than the usual one: `threshold` says which, `at` its
            value, and then the verdict that it would lead to.
    """

    statements: pd.DataFrame
    by_lr: pd.DataFrame
    profile: pd.DataFrame

    __repr__ = one_line

    def of(self, configuration: str) -> Verdicts:
        """Return the rows of one configuration."""
        tables = (self.statements, self.by_lr, self.profile)
        return Verdicts(*(table[table["configuration"] == configuration] for table in tables))


def judge(results: Results, with_profile: bool = True) -> Verdicts:
    """Judge every statement of every claim, in each configuration; without the profile in a tenth of the time."""
    statements, by_lr, profile = list[dict[str, object]](), list[dict[str, object]](), list[dict[str, object]]()
    for label, part in split_configurations(results).items():
        evidence, head = gather_evidence(part), {"configuration": label}
        statements += [head | row for row in _statement_rows(evidence)]
        by_lr += [head | row for row in _lr_rows(evidence)]
        profile += [head | row for row in _profile_rows(evidence)] if with_profile else []
    return Verdicts(
        pd.DataFrame(statements, columns=list(COLUMNS)),
        pd.DataFrame(by_lr, columns=list(LR_COLUMNS)),
        pd.DataFrame(profile, columns=list(PROFILE_COLUMNS)),
    )


def _statements() -> Iterator[tuple[str, Claim, str, Statement]]:
    for name, claim in CLAIMS.items():
        for key, statement in claim.statements.items():
            yield name, claim, key, statement


def _statement_rows(evidence: Evidence) -> Iterator[dict[str, object]]:
    for name, claim, key, statement in _statements():
        row = _head(name, claim, key, statement, evidence.results.trials) | _judged(
            statement, _tested(statement, evidence)
        )
        if isinstance(statement.effect, MeasureDifference) and row["verdict"] != "not tested":
            row["note"] = "; ".join(filter(None, (str(row["note"]), statement.effect.caveat(evidence))))
        yield row


def _tested(statement: Statement, evidence: Evidence) -> Estimate | str:
    """Return the effect, or what the sweep lacks."""
    if statement.is_of_accuracy and not says_accuracy(evidence.results.trials):
        return NO_ACCURACY
    try:
        return statement.effect(evidence)
    except InputError as error:
        return str(error)


def _head(name: str, claim: Claim, key: str, statement: Statement, trials: pd.DataFrame) -> dict[str, object]:
    """Return what is stated, in the words of what the trials are judged by."""
    told = partial(in_scores, is_accuracy=statement.is_of_accuracy or says_accuracy(trials))
    return {
        "claim": name,
        "is_check": claim.is_check,
        "title": claim.title,
        "source": claim.source,
        "statement": key,
        "label": told(statement.label),
        "text": told(statement.text),
        "statistic": told(statement.effect.statistic),
        "unit": told(statement.unit),
        "side": statement.side,
        "bound": statement.bound,
        "figure": statement.figure,
    }


def _judged(statement: Statement, found: Estimate | str) -> dict[str, object]:
    if isinstance(found, str):
        return {"verdict": "not tested", "effect": nan, "low": nan, "high": nan, "note": found, "advice": ""}
    low, high = found.interval(CONFIDENCE)
    grid_low, grid_high = found.open_range()
    verdict = statement.verdict(low, high)
    bound = statement.nearest_bound(found.value)
    return {
        "verdict": verdict,
        "effect": found.value,
        "low": low,
        "high": high,
        "grid_low": grid_low,
        "grid_high": grid_high,
        "confidence": CONFIDENCE,
        "n": found.n,
        "counted": found.counted,
        "cells": found.cells,
        "note": found.no_interval(CONFIDENCE),
        "advice": found.advice(bound, CONFIDENCE) if verdict == "unresolved" else "",
    }


def _lr_rows(evidence: Evidence) -> Iterator[dict[str, object]]:
    for name, _, key, statement in _statements():
        effect = statement.effect
        if not isinstance(effect, ProbeContrast):
            continue
        try:
            found = effect.by_lr(evidence)
        except InputError:
            continue
        head = {"claim": name, "statement": key, "label": statement.label, "unit": statement.unit}
        for lr, (value, cells, seeds) in found.items():
            yield head | {"lr": lr, "effect": value, "cells": cells, "n_seeds": seeds}


def _profile_rows(usual: Evidence) -> Iterator[dict[str, object]]:
    """Judge at other thresholds: of robustness the fraction of the best, of probes how far above chance is learning."""
    others = [("fraction", at, replace(usual, fraction=at)) for at in FRACTIONS if at != FRACTION]
    others += [("above chance", at, replace(usual, above_chance=at)) for at in MARGINS if at != ABOVE_CHANCE]
    for name, _, key, statement in _statements():
        kind = "fraction" if isinstance(statement.effect, MeasureDifference) else "above chance"
        for threshold, at, evidence in others:
            if threshold == kind:
                row = _judged(statement, _tested(statement, evidence))
                kept = {column: row[column] for column in ("verdict", "effect", "low", "high")}
                yield {"claim": name, "statement": key, "threshold": threshold, "at": at} | kept
