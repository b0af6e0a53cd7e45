from analysis import Results
from analysis.claims import judge
from analysis.claims.formatting import format_by_lr, format_claims, verdict_counts


def test_claims_are_grouped_and_what_an_undecided_one_would_take_is_said(results: Results) -> None:
    statements = judge(results).statements
    lines = format_claims(statements)
    assert len(lines) == 6
    first = lines[0]["statements"][0]
    assert (first["verdict"], first["claims"], first["unit"]) == ("unresolved", "above 0", "decades")
    assert first["note"] == "2 seeds: an interval takes 3 at least; about 3 seeds would resolve this effect"
    assert first["n"] == "2 seeds"
    missing = lines[4]["statements"][0]
    assert (missing["effect"], missing["interval"], missing["note"]) == ("", "", "no trial has norm l1")
    assert verdict_counts(statements).startswith("22 statements: ")


def test_effects_by_learning_rate_leave_open_where_no_grid_cell_is_shared(results: Results) -> None:
    lrs, lines = format_by_lr(judge(results).by_lr)
    assert lrs == sorted(lrs)
    assert all(len(line["effects"]) == len(lrs) for line in lines)
    beta = next(line for line in lines if line["label"] == "beta, level, batch / none")
    assert [bool(effect) for effect in beta["effects"]] == [lr == 0.1 for lr in lrs]
    assert beta["effects"][lrs.index(0.1)] == {"effect": "-0.90", "cells": "3"}
