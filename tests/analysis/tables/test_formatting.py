from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.loading import Results, load
from analysis.measures import MEASURES
from analysis.tables import difference_table, robustness_table
from analysis.tables.formatting import (
    MAIN_MEASURES,
    format_differences,
    format_measures,
    format_robustness,
)
from analysis.tables.pooled import all_pooled_rows, pooled_rows
from analysis.tables.precision import digits
from tests.synthetic import make_specs, write_sweep

NAN = float("nan")


def pooled(results: Results) -> pd.DataFrame:
    return all_pooled_rows(robustness_table(results))


def test_every_measure_has_a_line_and_every_mode_a_cell(results: Results) -> None:
    rows = pooled(results)
    formatted = format_measures(rows)
    assert [one.meaning for one in formatted] == [measure.meaning for measure in MEASURES.values()]
    widths = rows[rows["measure"] == "trainable_decades"].set_index("norm")["value"]
    (decades,) = (one for one in formatted if one.meaning == MEASURES["trainable_decades"].meaning)
    shown = {norm: one.value for norm, one in decades.by_norm.items()}
    assert shown == {norm: f"{widths[norm]:.1f}" for norm in ("none", "batch", "noisy_batch")}  # a decade is open
    (rates,) = (one for one in formatted if one.meaning == MEASURES["divergence_rate"].meaning)
    assert rates.by_norm["none"].value.endswith(" of 30)")


def test_an_interval_is_shown_and_a_lower_bound_marked(results: Results) -> None:
    rows = pooled(results).assign(low=0.25, high=0.75, at_least=True)
    by_meaning = {one.meaning: one.by_norm["none"] for one in format_measures(rows)}
    for name, interval in (("trainable_decades", "0.25 to 0.75"), ("mean_accuracy", "0.25 to 0.75")):
        shown = by_meaning[MEASURES[name].meaning]
        assert shown.interval == interval
        assert shown.value.startswith("≥ ")


def test_a_line_of_robustness_has_what_the_grid_leaves_open(results: Results) -> None:
    table = robustness_table(results)
    line, *others = format_robustness(table)
    assert (line["norm"], line["init_gain"], line["n_seeds"]) == ("none", "all", "2")
    widths = all_pooled_rows(table)
    row = widths[(widths["measure"] == "trainable_decades") & (widths["norm"] == "none")].iloc[0]
    assert line["trainable_decades_grid"] == f"{row['grid_low']:.1f} to {row['grid_high']:.1f}"
    assert line["n"] == f"{row['n_diverged']} of 30"
    assert len(others) == 3 * 4 - 1


@pytest.mark.parametrize("inits", [["default"], ["default", "orthogonal"]])
def test_with_one_gain_no_line_of_robustness_comes_twice(inits: list[str], tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(inits=inits, gains=[1.0], num_seeds=1, probes=False))
    lines = format_robustness(robustness_table(load(tmp_path)))
    expected = [("default", "1")] if len(inits) == 1 else [("all", "all"), ("default", "1"), ("orthogonal", "1")]
    assert [(line["init"], line["init_gain"]) for line in lines if line["norm"] == "batch"] == expected


def test_a_difference_has_a_sign_and_what_would_resolve_it(results: Results) -> None:
    rows = pooled_rows(difference_table(results), "trainable_decades")
    table = pd.concat([rows.assign(measure=name, low=0.25, high=1.5, value=1.0, note=name) for name in MAIN_MEASURES])
    line = format_differences(table)[0]
    assert (line["norm"], line["trainable_decades"], line["mean_accuracy"]) == ("batch", "+1.00", "+1.00")
    assert line["trainable_decades_interval"] == "+0.25 to +1.50"
    assert line["divergence_rate_note"] == "divergence_rate"
    assert format_differences(table.iloc[:0]) == []


@given(st.floats(-5, 5), st.floats(1e-6, 10))
def test_a_number_has_the_digits_that_its_interval_leaves(value: float, reach: float) -> None:
    places = digits(value - reach, value + reach, 3)
    assert 1 <= places <= 3
    if 1 < places < 3:
        assert reach / 101 < 10.0**-places < reach / 9.9
    assert digits(value - 2 * reach, value + 2 * reach, 3) <= places
    assert digits(NAN, value, 2) == 2
