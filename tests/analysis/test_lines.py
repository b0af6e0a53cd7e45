import pandas as pd
import pytest

from analysis import Results
from analysis.claims.lines import claim_lines, lr_lines, verdict_counts
from analysis.claims.table import judge
from analysis.finding import overall
from analysis.importance import importance_table
from analysis.lines import importance_lines, measure_lines
from analysis.robustness import MEASURES
from analysis.tables import robustness_table


def pooled(results: Results) -> pd.DataFrame:
    table = robustness_table(results)
    return pd.concat([overall(table, measure) for measure in MEASURES])


def test_every_measure_has_a_line_and_every_mode_a_cell(results: Results) -> None:
    rows = pooled(results)
    lines = measure_lines(rows)
    assert [line["meaning"] for line in lines] == [measure.meaning for measure in MEASURES.values()]
    widths = rows[rows["measure"] == "trainable_decades"].set_index("norm")["value"]
    shown = [cell["value"] for cell in lines[0]["cells"]]  # type: ignore[attr-defined]
    assert shown == [f"{widths[norm]:.2f}" for norm in ("none", "batch", "noisy_batch")]
    rates = next(line for line in lines if line["meaning"] == MEASURES["divergence_rate"].meaning)
    assert rates["cells"][0]["value"].endswith(" of 30)")  # type: ignore[index]


def test_an_interval_is_shown_and_a_lower_bound_marked(results: Results) -> None:
    rows = pooled(results).assign(low=0.25, high=0.75, at_least=True)
    first = measure_lines(rows)[0]["cells"][0]  # type: ignore[index]
    assert first["interval"] == "0.25 to 0.75"
    assert first["value"].startswith("≥ ")


def test_importances_are_fanovas(results: Results) -> None:
    table = importance_table(results)
    lines = importance_lines(table)
    assert [line["norm"] for line in lines] == ["none", "batch", "noisy_batch"]
    for line in lines:
        assert list(line["shares"]) == ["lr", "init_gain", "seed"]  # type: ignore[call-overload]
        assert sum(float(share) for share in line["shares"].values()) == pytest.approx(1, abs=0.02)  # type: ignore[attr-defined]


def test_claims_are_grouped_and_what_an_undecided_one_would_take_is_said(results: Results) -> None:
    statements = judge(results).statements
    lines = claim_lines(statements)
    assert len(lines) == 6
    first = lines[0]["statements"][0]
    assert (first["verdict"], first["claims"], first["unit"]) == ("unresolved", "above 0", "decades")
    assert first["note"] == "2 seeds: an interval takes 3 at least; about 3 seeds would resolve this effect"
    assert first["n"] == "2 seeds"
    missing = lines[4]["statements"][0]
    assert (missing["effect"], missing["interval"], missing["note"]) == ("", "", "no trial has norm l1")
    assert verdict_counts(statements).startswith("22 statements: ")


def test_effects_by_learning_rate_leave_open_where_no_point_is_shared(results: Results) -> None:
    lrs, lines = lr_lines(judge(results).by_lr)
    assert lrs == sorted(lrs)
    assert all(len(line["cells"]) == len(lrs) for line in lines)
    beta = next(line for line in lines if line["label"] == "beta, level, batch / none")
    assert [bool(cell) for cell in beta["cells"]] == [lr == 0.1 for lr in lrs]
    assert beta["cells"][lrs.index(0.1)] == {"effect": "-0.90", "points": "3"}
