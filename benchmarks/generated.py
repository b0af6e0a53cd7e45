"""A generated sweep of 10,000 trials: as compacted tables, and as the result.json that Ray Tune writes per trial.

`make_trials` makes as many as one likes, without measurements.

The numbers are drawn, not trained: accuracy over log10 lr is a plateau with flanks, wider with normalization.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bnsweep.results import SCHEMAS, Store
from bnsweep.spec import TrialSpec

NORMS = ["none", "batch", "noisy_batch", "l1", "l2", "linf", "layer", "group", "instance", "rms"]
AXES: dict[str, list[Any]] = {
    "norm": NORMS,
    "init": ["kaiming_normal", "xavier_uniform"],
    "init_gain": [0.25, 0.5, 1.0, 2.0, 4.0],
    "lr": [float(lr) for lr in np.logspace(-4, 1, 20)],
    "seed": list(range(5)),
}
CURVE_STEPS, PROBE_STEPS, LAYERS, MULTIPLES = 100, 20, 10, (0.5, 2.0, 4.0)
LANDSCAPE_STEPS = 17
SIZES = {"curves": CURVE_STEPS, "ics": PROBE_STEPS * LAYERS, "landscape": LANDSCAPE_STEPS * len(MULTIPLES)}
"""Rows per trial: 1 M, 2 M and 0.5 M rows of 10,000 trials."""


def make_tables(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Return the tables trials, curves, ics and landscape."""
    trials = make_trials(rng, AXES)
    return {"trials": trials, **{table: _metrics(table, trials, rng) for table in SIZES}}


def write_tables(tables: dict[str, pd.DataFrame], directory: Path) -> None:
    """Write one commit, as a compacted store holds them, and declare the trials."""
    store = Store.open(directory)
    store.declare("generated", tables["trials"]["trial_key"].tolist(), "name: generated\n")
    with store.take_over() as writer:
        writer.commit(
            {
                table: pa.table([_array(frame, field) for field in SCHEMAS[table]], schema=SCHEMAS[table])
                for table, frame in tables.items()
            }
        )


def _array(frame: pd.DataFrame, field: pa.Field) -> pa.Array:
    if field.name not in frame:
        return pa.nulls(len(frame), field.type)
    return pa.array(frame[field.name], from_pandas=True).cast(field.type)


def make_trials(rng: np.random.Generator, axes: dict[str, list[Any]]) -> pd.DataFrame:
    """Return a row for each point of a grid, by name the axes of `AXES` with other points."""
    trials = pd.DataFrame(product(*axes.values()), columns=list(axes))
    at, none = np.log10(trials["lr"]), (trials["norm"] == "none").to_numpy()
    low, high = np.where(none, -2.0, -2.5), np.where(none, -1.2, -0.2) + 0.1 * trials["seed"] * rng.normal()
    outside = np.maximum(np.maximum(low - at, at - high), 0) + 0.1 * np.abs(np.log10(trials["init_gain"])) * none
    lost = at > high + 0.8
    accuracy = 0.1 + 0.85 * np.maximum(0, 1 - outside) + rng.normal(0, 0.01, len(trials))
    rough = np.where(none, 8.0, 1.0) * trials["lr"] ** 0.5 * np.exp(rng.normal(0, 0.3, len(trials)))
    probes = {"landscape": {"every": 100}, "ics": {"every": 100}}
    columns: dict[str, Any] = {
        "trial_key": [f"{key:016x}" for key in rng.integers(2**64, size=len(trials), dtype=np.uint64).tolist()],
        "status": np.where(lost, "diverged", "completed"),
        "test_acc": np.where(lost, np.nan, np.clip(accuracy, 0, 1)),
        "test_loss": np.where(lost, np.nan, 2.3 - 2 * accuracy),
        "landscape_loss_range": 0.1 * rough,
        "landscape_grad_diff": rough,
        "landscape_beta": 3 * rough,
        "ics_l2": np.exp(rng.normal(0, 1, len(trials))),
        "ics_cos": rng.uniform(0, 1, len(trials)),
        "num_classes": 10,
        "model": "vgg",
        "model_options": "{}",
        "dataset": "digits",
        "dataset_options": "{}",
        "steps": 2000,
        "batch_size": 128,
        "optimizer": "sgd",
        "momentum": 0.0,
        "weight_decay": 0.0,
        "max_loss": 1e4,
        "probes": json.dumps(probes),
        "stop_step": 2000,
        "wall_time_s": 10.0,
        "probe_time_s": 1.0,
        "started_at": pd.Timestamp("2026-01-01", tz="UTC"),
        "attempt": 1,
        "spec": _specs(trials, probes),
    }
    return trials.assign(**columns)


def _specs(trials: pd.DataFrame, probes: dict[str, Any]) -> list[str]:
    """Return the spec of each trial, as JSON: that of the first with the axes of each in their places."""
    fixed = {
        "model": {"name": "vgg"},
        "dataset": {"name": "digits"},
        "train": {"steps": 2000, "batch_size": 128, "max_loss": 1e4},
        "probes": probes,
    }
    rows = trials[list(AXES)]
    (first,) = rows.head(1).to_dict("records")
    spec = json.loads(TrialSpec.model_validate(fixed | {str(axis): value for axis, value in first.items()}).to_json())
    rest = json.dumps({name: value for name, value in spec.items() if name not in AXES})[1:]
    form = '{{"norm": "{}", "init": "{}", "init_gain": {!r}, "lr": {!r}, "seed": {}, '.format
    return [form(*row) + rest for row in rows.itertuples(index=False, name=None)]


def _metrics(table: str, trials: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the rows of a table of measurements, trial by trial."""
    each = SIZES[table]
    axes = trials[["trial_key", *AXES]]
    frame = axes.loc[axes.index.repeat(each)].reset_index(drop=True)
    inner = {"curves": 1, "ics": LAYERS, "landscape": len(MULTIPLES)}[table]
    place = np.tile(np.arange(each), len(trials))
    columns: dict[str, Any] = {"step": place // inner * (20 if table == "curves" else 100)}
    if table == "ics":
        columns |= {"layer": place % LAYERS, "layer_name": [f"conv{k}" for k in place % LAYERS]}
    if table == "landscape":
        columns |= {"given_as": "lr_multiple", "lr_multiple": np.array(MULTIPLES)[place % len(MULTIPLES)]}
    numbers = {
        "curves": ["train_loss", "train_acc", "grad_norm"],
        "ics": ["ics_l2", "ics_cos", "grad_norm"],
        "landscape": ["alpha", "loss", "grad_diff_l2", "grad_norm", "beta"],
    }[table]
    return frame.assign(**columns, **{name: rng.uniform(0, 3, len(frame)) for name in numbers})


def write_json(tables: dict[str, pd.DataFrame], keys: list[str], directory: Path) -> None:
    """Write for each of these trials what Ray Tune's JsonLogger writes: <trial>/result.json, a line per report.

    A report is a row of curves; the rows of ics and landscape of its step are lists in it.
    """
    rows = {table: tables[table][tables[table]["trial_key"].isin(keys)] for table in tables}
    groups = {table: {str(key): part for key, part in frame.groupby("trial_key")} for table, frame in rows.items()}
    for key in keys:
        (directory / key).mkdir(parents=True)
        config = dict(zip(AXES, groups["trials"][key][list(AXES)].to_numpy(object)[0], strict=True))
        with open(directory / key / "result.json", "w", encoding="utf-8") as file:
            for line in _reports(key, config, {table: groups[table][key] for table in SIZES}):
                file.write(json.dumps(line) + "\n")


def _reports(key: str, config: dict[str, Any], frames: dict[str, pd.DataFrame]) -> Iterator[dict[str, Any]]:
    dropped = ["trial_key", *AXES]
    probes: dict[str, dict[int, list[Any]]] = {"ics": {}, "landscape": {}}
    for table, by_step in probes.items():
        for row in frames[table].drop(columns=dropped).to_dict("records"):
            by_step.setdefault(row.pop("step"), []).append(row)
    for number, row in enumerate(frames["curves"].drop(columns=dropped).to_dict("records"), start=1):
        measured = {table: by_step[row["step"]] for table, by_step in probes.items() if row["step"] in by_step}
        yield (
            {str(name): number for name, number in row.items()}
            | measured
            | {
                "timestamp": int(time.time()),
                "checkpoint_dir_name": None,
                "done": False,
                "training_iteration": number,
                "trial_id": key[:8],
                "date": "2026-01-01_00-00-00",
                "time_this_iter_s": 0.1,
                "time_total_s": 0.1 * number,
                "pid": 12345,
                "hostname": "worker-0",
                "node_ip": "127.0.0.1",
                "config": config,
                "time_since_restore": 0.1 * number,
                "iterations_since_restore": number,
            }
        )
