"""Measurements beside what became of their trial."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis import Results, with_trials
from bnsweep.errors import InputError
from bnsweep.results.schema import METRIC_TABLES
from tests.synthetic import CHANCE


@pytest.mark.parametrize("table", METRIC_TABLES)
def test_each_row_stays_and_has_what_its_trial_has(results: Results, table: str) -> None:
    rows, joined = getattr(results, table), with_trials(results, table, ["stop_step", "wall_time_s"])
    pd.testing.assert_frame_equal(joined[list(rows)], rows)
    trials = results.trials.set_index("trial_key")
    assert joined["accuracy"].tolist() == trials["test_acc"].fillna(CHANCE)[rows["trial_key"]].tolist()
    for name in ("stop_step", "wall_time_s", "status"):
        assert joined[name].tolist() == trials[name][rows["trial_key"]].tolist()
    assert joined["norm"].dtype == rows["norm"].dtype


@pytest.mark.parametrize(
    ("table", "column", "message"),
    [
        ("trails", "lr", "table: no measurements 'trails'; allowed: .*landscape"),
        ("ics", "stop_stp", "columns: trials have no column 'stop_stp'; .*did you mean 'stop_step'"),
        ("ics", "lr", "columns: table ics has a column lr itself"),
    ],
)
def test_what_is_not_there_is_named(results: Results, table: str, column: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        with_trials(results, table, [column])
