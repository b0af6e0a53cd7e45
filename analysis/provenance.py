"""What there is and where it comes from: coverage of the declared sweep, dataset, code, versions and devices."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from analysis.grid import in_order, make_grid
from analysis.load import Results
from analysis.settings import split_settings
from bnsweep.results.schema import METRIC_TABLES

JPEG_COPY = "cifar10-jpegq75"


def coverage(results: Results) -> dict[str, int]:
    """Return the numbers of trials: declared, done, compared, missing, diverged, pruned, failed, undeclared.

    `compared` counts those at points that every mode of their setting has a result of. `failed` counts declared trials
    whose every attempt failed: they are among the missing.
    """
    status, done = results.trials["status"], len(results.trials)
    failed = set(results.failures["trial_key"].astype(str)) & set(results.missing)
    return {
        "declared": len(results.declared["trial_keys"]) if results.declared else done,
        "done": done,
        "compared": sum(_num_compared(part.trials) for part in split_settings(results).values()),
        "missing": len(results.missing),
        "diverged": int((status == "diverged").sum()),
        "pruned": int((status == "pruned").sum()),
        "failed": len(failed),
        "undeclared": len(results.undeclared),
    }


def _num_compared(trials: pd.DataFrame) -> int:
    return int(np.isfinite(make_grid(trials).comparable().accuracy).sum())


def without_rows(results: Results) -> list[tuple[str, int, int]]:
    """Return each table that lacks rows that it should have: its name, of how many trials, and how many it should have.

    Should: the trial was completed, and its curves, or a probe that is due before its last step, are in its spec.
    """
    completed = results.trials[results.trials["status"] == "completed"]
    probes = [json.loads(text) for text in completed["probes"].fillna("{}")]
    found = []
    for table in METRIC_TABLES:
        due = [
            table == "curves" or _is_due(spec.get(table), steps)
            for spec, steps in zip(probes, completed["steps"], strict=True)
        ]
        keys = completed.loc[due, "trial_key"]
        lacking = int((~keys.isin(getattr(results, table)["trial_key"])).sum())
        if lacking:
            found.append((table, lacking, len(keys)))
    return found


def _is_due(schedule: dict[str, Any] | None, steps: int) -> bool:
    """Return whether a probe with this schedule, as in the sweep file, measures at least once in so many steps."""
    if schedule is None:
        return False
    first = min(schedule["at"]) if schedule.get("at") else schedule.get("start") or 0
    return bool(first < steps)


def norm_coverage(results: Results) -> list[dict[str, int | str]]:
    """Return by mode the numbers of trials done, diverged and pruned."""
    status = results.trials.assign(norm=results.trials["norm"].astype(str)).groupby("norm")["status"]
    return [
        {
            "norm": norm,
            "done": len(part := status.get_group(norm)),
            "diverged": int((part == "diverged").sum()),
            "pruned": int((part == "pruned").sum()),
        }
        for norm in in_order(results.trials["norm"].astype(str))
    ]


def dataset_names(trials: pd.DataFrame) -> list[str]:
    """Return what the images are, in the words that belong beside every figure made from them."""
    pairs = trials[["dataset", "dataset_options"]].astype(str).drop_duplicates().itertuples(index=False)
    return sorted({_dataset_name(dataset, options) for dataset, options in pairs})


def _dataset_name(dataset: str, options: str) -> str:
    if JPEG_COPY in options:
        return "CIFAR-10, JPEG q75 copy"
    fields = json.loads(options) if options not in ("None", "nan", "") else {}
    return " ".join([dataset, *(f"{key} {value}" for key, value in fields.items() if value is not None)])


def provenance(trials: pd.DataFrame) -> list[tuple[str, str]]:
    """Return name and distinct values of what the trials were run with, and when."""
    columns = {
        "model": "model",
        "model_options": "model options",
        "steps": "steps",
        "batch_size": "batch size",
        "optimizer": "optimizer",
        "momentum": "momentum",
        "weight_decay": "weight decay",
        "git_sha": "code",
        "versions": "versions",
        "device": "device",
        "host": "host",
    }
    facts = [(label, _distinct(trials[name])) for name, label in columns.items()]
    started = trials["started_at"].dropna()
    when = f"{started.min():%Y-%m-%d %H:%M} to {started.max():%Y-%m-%d %H:%M} UTC" if len(started) else "not recorded"
    hours = trials["wall_time_s"].sum() / 3600
    probes = trials["probe_time_s"].sum() / 3600
    return [*facts, ("started", when), ("time", f"{hours:.2f} worker-hours, of which probes {probes:.2f}")]


def _distinct(values: pd.Series) -> str:
    known = sorted({str(value) for value in values.dropna()})
    return "; ".join(known) if known else "not recorded"
