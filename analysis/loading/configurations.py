"""Configurations: what a sweep may vary besides normalization, initialization, learning rate and seed.

Robustness is a statement about one model, one dataset and one optimizer. Where a sweep varies one of those, each
combination is a configuration of its own, measured and drawn apart.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analysis.loading.results import Results
from bnsweep.results.schema import METRIC_TABLES

CONFIGURATION_COLUMNS = (
    "model",
    "model_options",
    "dataset",
    "dataset_options",
    "steps",
    "batch_size",
    "optimizer",
    "momentum",
    "weight_decay",
    "max_loss",
)


def configuration_labels(trials: pd.DataFrame) -> pd.Series[str]:
    """Return for each trial the configuration fields that vary, as 'steps 200, optimizer sgd'; '' if none does."""
    varying = [name for name in CONFIGURATION_COLUMNS if name in trials and len(trials[name].unique()) > 1]
    labels = [", ".join(f"{name} {row[name]}" for name in varying) for row in trials[varying].to_dict("records")]
    return pd.Series(labels if varying else "", index=trials.index, name="configuration", dtype=str)


def split_configurations(results: Results) -> dict[str, Results]:
    """Return the results of each configuration by its label, in the order of the labels; a single one is ''."""
    labels = configuration_labels(results.trials)
    if len(labels.unique()) == 1:
        return {str(labels.iloc[0]): results}
    parts = {label: results.trials[labels == label] for label in sorted(labels.unique())}
    return {label: _of_trials(results, trials) for label, trials in parts.items()}


def _of_trials(results: Results, trials: pd.DataFrame) -> Results:
    keys = trials["trial_key"]
    metrics = {table: getattr(results, table) for table in METRIC_TABLES}
    mine = {table: rows[rows["trial_key"].isin(keys)] for table, rows in metrics.items()}
    return replace(results, trials=trials.reset_index(drop=True), **mine)
