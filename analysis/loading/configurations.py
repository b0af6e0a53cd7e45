"""The results of each setting apart: a configuration is a setting by its label."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analysis.loading.drawn import require_grid
from analysis.loading.membership import are_among
from analysis.loading.pruned import require_unpruned
from analysis.loading.results import Results
from bnsweep.results.schema import METRIC_TABLES


def split_configurations(results: Results) -> dict[str, Results]:
    """Return the results of each setting by its label, in the order of `Results.settings`; a single one is ''.

    Raises:
        InputError: the trials were drawn from ranges, or a pruner stopped some, so that they are no grid to measure on.
    """
    require_grid(results.drawn)
    require_unpruned(results.trials)
    settings = results.settings
    if len(settings.fields) == 1:
        return {"": results}
    return {
        str(label): _of_trials(results, results.trials[settings.of_trial == label]) for label in settings.fields.index
    }


def _of_trials(results: Results, trials: pd.DataFrame) -> Results:
    keys = trials["trial_key"]
    metrics = {table: getattr(results, table) for table in METRIC_TABLES}
    mine = {table: rows[are_among(rows["trial_key"], keys)] for table, rows in metrics.items()}
    return replace(results, trials=trials.reset_index(drop=True), **mine)
