"""The summary columns, worked out by hand."""

from math import inf, nan

import pytest

from bnsweep.probes import summarize
from bnsweep.results.schema import SCHEMAS

COLUMNS = (
    "landscape_loss_range",
    "landscape_grad_diff",
    "landscape_beta",
    "landscape_alpha_loss_range",
    "landscape_alpha_grad_diff",
    "landscape_alpha_beta",
    "ics_l2",
    "ics_cos",
    "sharpness",
    "lowest_eigenvalue",
    "edge_ratio",
    "adaptive_sharpness",
    "moments_mean_shift",
    "moments_std_shift",
    "effective_lr",
    "relative_update",
)


def point(step: int, loss: float, diff: float, beta: float, grad_norm: float = 1.0) -> dict:
    measured = {"loss": loss, "grad_diff_l2": diff, "beta": beta, "grad_norm": grad_norm}
    return {"step": step, "given_as": "lr_multiple", **measured}


def shift(step: int, layer: int, l2: float, cosine: float) -> dict:
    return {"step": step, "layer": layer, "ics_l2": l2, "ics_cos": cosine}


def moved(mean_shift: float | None, std_shift: float | None) -> dict:
    return {"step": 0, "layer": 0, "mean_shift": mean_shift, "std_shift": std_shift}


@pytest.mark.parametrize("rows", [{}, {"landscape": [], "ics": [], "moments": []}])
def test_probes_that_are_off_give_nulls_for_exactly_the_tables_columns(rows: dict) -> None:
    assert summarize(rows) == dict.fromkeys(COLUMNS)
    assert set(COLUMNS) < set(SCHEMAS["trials"].names)


def test_landscape_is_the_median_over_steps_of_each_steps_extremes() -> None:
    steps = [(0, 1.0, 3.0), (25, 2.0, 2.5), (50, 0.5, 7.5), (75, 1.0, 2.0)]
    rows = [row for step, low, high in steps for row in (point(step, low, low, high), point(step, high, 2 * high, low))]
    summary = summarize({"landscape": rows})
    assert summary["landscape_loss_range"] == 1.5
    assert summary["landscape_grad_diff"] == 5.5
    assert summary["landscape_beta"] == 2.75
    assert summary["ics_l2"] is None


def test_absolute_lengths_move_no_column_of_the_multiples_and_have_their_own() -> None:
    multiples = [point(step, loss, loss, 2 * loss) for step in (0, 25) for loss in (1.0, 3.0)]
    wilder = [{**row, "given_as": "alpha", "loss": 100 * row["loss"], "grad_diff_l2": inf} for row in multiples]
    alone, both = summarize({"landscape": multiples}), summarize({"landscape": [*wilder, *multiples]})
    assert [alone[column] for column in COLUMNS[:6]] == [2.0, 3.0, 6.0, None, None, None]
    assert [both[column] for column in COLUMNS[:6]] == [2.0, 3.0, 6.0, 200.0, inf, 6.0]


def test_what_overflowed_counts_as_infinite() -> None:
    summary = summarize({"landscape": [point(0, 1.0, 1.0, 1.0), point(0, nan, nan, nan)]})
    assert [summary[column] for column in COLUMNS[:3]] == [inf, inf, inf]
    assert summarize({"landscape": [point(0, inf, 1.0, 1.0)]})["landscape_loss_range"] == inf
    assert summarize({"ics": [shift(0, 1, nan, nan), shift(0, 2, 1.0, 1.0), shift(1, 1, inf, 0.5)]})["ics_l2"] == inf
    assert summarize({"moments": [moved(nan, inf)]})["moments_mean_shift"] == inf


def test_what_a_zero_gradient_leaves_undefined_is_left_out() -> None:
    rows = [point(0, 1.0, 0.0, nan, grad_norm=0.0), point(1, 1.0, 1.0, 6.0)]
    assert summarize({"landscape": rows})["landscape_beta"] == 6.0
    assert summarize({"landscape": rows[:1]})["landscape_beta"] is None
    assert summarize({"ics": [shift(0, 1, 1.0, nan), shift(0, 2, 1.0, 0.25)]})["ics_cos"] == 0.25
    assert summarize({"ics": [shift(0, 1, 1.0, nan)]})["ics_cos"] is None


def test_ics_leaves_the_first_layer_out() -> None:
    rows = [shift(step, layer, 10.0 * layer + step, -0.1 * layer) for step in (0, 1) for layer in range(3)]
    summary = summarize({"ics": rows})
    assert summary["ics_l2"] == 15.5
    assert summary["ics_cos"] == pytest.approx(-0.15)


def test_moments_leave_the_first_measurement_out() -> None:
    summary = summarize({"moments": [moved(None, None), moved(1.0, 2.0), moved(3.0, 5.0)]})
    assert (summary["moments_mean_shift"], summary["moments_std_shift"]) == (2.0, 3.5)
    assert summarize({"moments": [moved(None, None)]})["moments_std_shift"] is None


def bent(sharpness: float, lowest: float = -1.0, limit: float | None = 2.0, own: float | None = 4.0) -> dict:
    edge = {"stability_limit": limit, "optimizer_sharpness": own}
    return {"sharpness": sharpness, "lowest_eigenvalue": lowest, **edge}


def test_sharpness_is_the_median_of_the_measurements_that_converged_overflow_being_infinite() -> None:
    assert summarize({"curvature": [bent(value) for value in (3.0, nan, 1.0, 8.0)]})["sharpness"] == 3.0
    assert summarize({"curvature": [bent(value) for value in (3.0, inf, inf)]})["sharpness"] == inf
    assert summarize({"curvature": [bent(nan)]})["sharpness"] is None


def test_the_edge_ratio_is_the_median_where_there_is_an_edge_and_the_optimizers_sharpness_is_known() -> None:
    rows = [bent(1.0), bent(1.0, -3.0, 2.0, 1.0), bent(1.0, nan, 2.0, nan), bent(1.0, nan, None, None)]
    summary = summarize({"curvature": rows})
    assert (summary["edge_ratio"], summary["lowest_eigenvalue"]) == (1.25, -2.0)
    assert summarize({"curvature": rows[2:]})["edge_ratio"] is None
