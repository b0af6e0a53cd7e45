"""Measurements beside what became of their trial."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.loading import Results
from analysis.measures.scores import final_score
from bnsweep.errors import InputError, did_you_mean
from bnsweep.results.schema import METRIC_TABLES

ALWAYS = ("configuration", "status", "accuracy")


def with_trials(results: Results, table: str, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of a table of measurements, each with what became of its trial.

    >>> from analysis import load, with_trials
    >>> rows = with_trials(load("results/mini"), "ics", columns=["stop_step"])
    >>> late = rows[rows["step"] == 100]
    >>> late.groupby("norm", observed=True)[["ics_l2", "accuracy"]].mean().round(2).reset_index()
              norm  ics_l2  accuracy
    0         none    0.02      0.34
    1        batch    0.07      0.74
    2  noisy_batch    0.24      0.71

    Args:
        results: what `load` returned.
        table: curves, landscape, ics, moments, layers, curvature or flatness.
        columns: further ones of `trials`.

    Columns: those of the table, then configuration (the label of the setting; '' where there is one), status,
    accuracy (on the test set; R² of real targets; a diverged trial is at chance), and `columns`.

    Raises:
        InputError: no such table or column, or one that the table itself has.
    """
    rows = measured(results, table)
    for name in columns:
        if name not in results.trials:
            raise InputError(f"columns: trials have no column {name!r}; {did_you_mean(name, map(str, results.trials))}")
        if name in rows:
            raise InputError(f"columns: table {table} has a column {name} itself; leave it out, or rename that one")
    trials = results.trials.assign(configuration=results.settings.of_trial, accuracy=final_score(results.trials))
    chosen = list(dict.fromkeys([*ALWAYS, *columns]))
    return rows.merge(trials[["trial_key", *chosen]], on="trial_key", how="left", validate="many_to_one")


def measured(results: Results, table: str) -> pd.DataFrame:
    """Return a table of measurements by its name.

    Raises:
        InputError: there is none of that name.
    """
    if table not in METRIC_TABLES:
        raise InputError(f"table: no measurements {table!r}; {did_you_mean(table, METRIC_TABLES)}")
    return pd.DataFrame(getattr(results, table))
