"""Tables compared row by row, bit by bit, and trials of other settings."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pandas as pd

RUN_COLUMNS = ["wall_time_s", "probe_time_s", "peak_memory_bytes", "device", "host", "attempt", "started_at"]
"""Columns of trials about the run, not the result."""

SORT_COLUMNS = ["trial_key", "step", "layer", "given_as", "lr_multiple"]


def same_rows(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Return whether both hold the same rows, whatever their order, but for the circumstances of the run."""
    return _canonical(left).equals(_canonical(right))


def _canonical(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.drop(columns=RUN_COLUMNS, errors="ignore")
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("category").columns, "str"))
    return frame.sort_values([column for column in SORT_COLUMNS if column in frame]).reset_index(drop=True)


def with_steps(trials: pd.DataFrame, steps: Iterable[int]) -> pd.DataFrame:
    """Return the trials as if each had been trained for so many steps."""
    specs = [json.loads(spec) for spec in trials["spec"]]
    asked = list(map(int, steps))
    changed = [spec | {"train": spec["train"] | {"steps": number}} for spec, number in zip(specs, asked, strict=True)]
    return trials.assign(steps=asked, spec=list(map(json.dumps, changed)))
