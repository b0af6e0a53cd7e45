"""How much of the declared sweep there is."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import numpy as np

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.loading.order import BASELINE, in_order
from analysis.measures.comparison import num_shared
from analysis.measures.grid import make_grid
from bnsweep.results.schema import METRIC_TABLES


def coverage(results: Results) -> dict[str, int]:
    """Return the numbers of trials: declared, done, missing, diverged, pruned, failed, undeclared.

    `failed` counts declared trials whose every attempt failed: they are among the missing.
    """
    status, done = results.trials["status"], len(results.trials)
    failed = set(results.failures["trial_key"]) & set(results.missing)
    return {
        "declared": len(results.declared["trial_keys"]) if results.declared else done,
        "done": done,
        "missing": len(results.missing),
        "diverged": int((status == "diverged").sum()),
        "pruned": int((status == "pruned").sum()),
        "failed": len(failed),
        "undeclared": len(results.undeclared),
    }


def compared_in_part(results: Results) -> list[tuple[str, int, int]]:
    """Return each mode that is compared with the baseline at a part of its trials: at how many, and how many it has.

    A trial is compared where the baseline has a result with the same seed, init, gain and lr; those at learning rates
    that a search has added have no counterpart.
    """
    found = []
    for label, part in split_configurations(results.at_common_lrs).items():
        grid = make_grid(part.trials)
        for norm in grid.norms if BASELINE in grid.norms else []:
            done = int(np.isfinite(grid.accuracy[:, grid.norms.index(norm)]).sum())
            shared = num_shared(grid, [norm, BASELINE]) // 2
            if norm != BASELINE and shared < done:
                found.append((f"{label}: {norm}" if label else norm, shared, done))
    return found


def without_rows(results: Results) -> list[tuple[str, int, int]]:
    """Return each table that lacks rows: its name, of how many trials, and of how many it should have some.

    A completed trial should have curves, and rows of each probe of its spec that is due before its last step.
    """
    completed = results.trials[["trial_key", "status", "steps", "probes"]]
    completed = completed[completed["status"] == "completed"]
    texts = completed["probes"].fillna("{}").astype(str)
    probes = {text: json.loads(text) for text in texts.unique()}
    found = []
    for table in METRIC_TABLES:
        first = {text: 0 if table == "curves" else _first_step(of_text.get(table)) for text, of_text in probes.items()}
        keys = completed.loc[texts.map(first).astype(float) < completed["steps"], "trial_key"]
        lacking = int((~keys.isin(getattr(results, table)["trial_key"].unique())).sum())
        if lacking:
            found.append((table, lacking, len(keys)))
    return found


def _first_step(schedule: dict[str, Any] | None) -> float:
    """Return the first step at which a probe measures with this schedule of a sweep file; infinite if none."""
    if schedule is None:
        return inf
    return float(min(schedule["at"]) if schedule.get("at") else schedule.get("start") or 0)


def norm_coverage(results: Results) -> list[dict[str, int | str]]:
    """Return by mode the numbers of trials done, diverged and pruned."""
    status = results.trials[["norm", "status"]].groupby("norm")["status"]
    return [
        {
            "norm": norm,
            "done": len(part := status.get_group(norm)),
            "diverged": int((part == "diverged").sum()),
            "pruned": int((part == "pruned").sum()),
        }
        for norm in in_order(results.trials["norm"])
    ]
