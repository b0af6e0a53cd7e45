"""Verdicts as text."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.claims import judge
from analysis.claims.formatting import format_bound, format_by_lr, format_claims, verdict_counts
from analysis.claims.verdicts import Verdicts
from analysis.loading import Results


@pytest.fixture(scope="module")
def verdicts(results: Results) -> Verdicts:
    return judge(results)


def statements_of(verdicts: Verdicts, checks: bool = False) -> dict[str, dict[str, str]]:
    """Return the text of each statement by its name."""
    rows = verdicts.statements[verdicts.statements["is_check"].astype(bool) == checks]
    lines = [one for claim in format_claims(verdicts, checks) for one in claim["statements"]]
    return dict(zip(rows["statement"], lines, strict=True))


def test_claims_and_checks_are_apart(verdicts: Verdicts) -> None:
    claims, checks = (format_claims(verdicts, checks) for checks in (False, True))
    titles = verdicts.statements.groupby("is_check")["title"].nunique()
    assert (len(claims), len(checks)) == (titles[False], titles[True])
    assert claims[0]["title"] == "BN widens the range of learning rates that train"
    assert [len(one["statements"]) for one in checks] == [2, 1]
    counted = int((~verdicts.statements["is_check"].astype(bool)).sum())
    assert verdict_counts(verdicts.statements).startswith(f"{counted} statements: ")
    only = verdicts.statements.assign(verdict=["supported"] * 2 + ["unresolved"] * (len(verdicts.statements) - 2))
    assert verdict_counts(only) == f"{counted} statements: 2 supported, {counted - 2} unresolved"


def test_a_statement_says_what_it_rests_on_and_what_it_lacks(verdicts: Verdicts) -> None:
    lines = statements_of(verdicts)
    width = lines["lr_range"]
    assert (width["verdict"], width["claims"], width["unit"]) == ("unresolved", "above 0", "decades")
    assert (width["note"], width["interval"]) == ("2 seeds: an interval takes 3 at least", "")
    assert width["n"] == "2 seeds"
    assert lines["gradient_change"]["n"] == "2 seeds, 7 grid cells"
    assert lines["gradient_change"]["effect"] == "-0.90"
    assert lines["ics_within"]["claims"] == "within 0.2 of 0"
    missing = lines["l1_accuracy"]
    assert [missing[name] for name in ("effect", "interval", "note", "n")] == ["", "", "no trial has norm l1", ""]


def test_a_note_is_followed_by_the_advice(verdicts: Verdicts) -> None:
    rows = verdicts.statements.assign(note="no", advice="more", low=-1.0, high=0.5, effect=0.25, unit="accuracy")
    line = format_claims(Verdicts(rows, verdicts.by_lr, verdicts.profile))[0]["statements"][0]
    assert (line["note"], line["effect"], line["interval"]) == ("no; more", "+0.25", "-1.00 to +0.50")


def test_a_bound_is_said_in_words() -> None:
    assert format_bound({"side": "above", "bound": -0.015}) == "above -0.015"


def test_where_another_threshold_says_otherwise_it_is_told(verdicts: Verdicts) -> None:
    names = ["lr_range", "lr_area", "gradient_change", "l1_accuracy"]
    rows = verdicts.statements.set_index("statement", drop=False).loc[names]
    rows["verdict"] = ["supported", "unresolved", "contradicted", "not tested"]
    known = {"statement": names[0], "threshold": "fraction"}
    profile = pd.DataFrame(
        [
            known | {"at": 0.5, "verdict": "unresolved"},
            known | {"at": 0.6, "verdict": "unresolved"},
            known | {"at": 0.95, "verdict": "supported"},
            known | {"at": 0.99, "verdict": "contradicted"},
            {"statement": names[2], "threshold": "above chance", "at": 0.4, "verdict": "supported"},
            {"statement": names[1], "threshold": "fraction", "at": 0.5, "verdict": "unresolved"},
            {"statement": names[3], "threshold": "fraction", "at": 0.5, "verdict": "supported"},
        ]
    )
    told = statements_of(Verdicts(rows, verdicts.by_lr, profile))
    assert [told[name]["elsewhere"] for name in names] == [
        "with other thresholds: unresolved at 50, 60 % of the best; contradicted at 99 % of the best",
        "",
        "with other thresholds: supported at 40 % above chance",
        "",
    ]


def test_effects_by_learning_rate_leave_open_where_no_grid_cell_is_shared(verdicts: Verdicts) -> None:
    lrs, lines = format_by_lr(verdicts.by_lr)
    assert lrs == sorted(lrs)
    assert all(len(line["effects"]) == len(lrs) for line in lines)
    rows = verdicts.by_lr[verdicts.by_lr["statement"] == "gradient_change"]
    line = next(line for line in lines if line["label"] == rows["label"].iloc[0])
    assert [bool(effect) for effect in line["effects"]] == [lr in set(rows["lr"]) for lr in lrs]
    assert line["effects"][lrs.index(0.1)] == {"effect": "-0.90", "cells": "3"}
    assert line["effects"][0] == {}
