"""TensorBoard: a folder with one event file for each trial, with its hyperparameters and all of its curves.

`tensorboard --logdir DIR/_tensorboard`, whose own package writes them: `tensorboardX`, which Ray brings, loads PyTorch.
An event file is written aside and its folder then renamed to that of its run, so that a run is there as a whole or not
at all.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import HParam, Metric, hparams_config_pb, hparams_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from bnsweep.copies.axes import Declared
from bnsweep.copies.copy import EVENT_FILES, StoredTrial
from bnsweep.results.schema import AXES
from bnsweep.results.tables import ROW_KEYS
from bnsweep.spec.ranges import Range

ASIDE = f"{EVENT_FILES}_aside"
EVENT_FILE = "events.out.tfevents.{seconds}.bnsweep"
"""As TensorBoard knows an event file."""
METRICS = ("test_acc", "test_loss", "metric", "train_acc", "train_loss", "stop_step", "diverged")
"""The numbers in the table of hyperparameters, where it has them."""
PRUNED = "-pruned"
"""What the name of a run says that was."""
MAX_NAME = 200
"""Characters of the readable part of a run's name."""
NO_VALUES = {"trial_key", *AXES, *(column for columns in ROW_KEYS.values() for column in columns), "layer_name"}
"""Columns that say what a row is of."""


class EventFiles:
    """The event files in a results directory."""

    def __init__(self, root: str) -> None:
        self._folder, self._aside = os.path.join(root, EVENT_FILES), os.path.join(root, ASIDE)
        self._axes = list[str]()

    def declare(self, sweep: Declared) -> set[str]:
        """Take note of the axes, by whose values runs are named; what was pruned may be none by now."""
        self._axes = [name for name, axis in sweep.axes.items() if isinstance(axis, Range) or len(axis) > 1]
        shutil.rmtree(self._aside, ignore_errors=True)
        os.makedirs(self._folder, exist_ok=True)
        for name in os.listdir(self._folder):
            if PRUNED in name:
                shutil.rmtree(os.path.join(self._folder, name))
        return {name.rpartition("-")[2] for name in os.listdir(self._folder)}

    def add(self, trial: StoredTrial) -> None:
        """Write its event file."""
        ended_at = trial.ended_at.timestamp()
        os.makedirs(self._aside, exist_ok=True)
        path = os.path.join(self._aside, EVENT_FILE.format(seconds=int(ended_at)))
        with open(path, "wb") as file:
            writer = RecordWriter(file)
            writer.write(Event(wall_time=ended_at, file_version="brain.Event:2").SerializeToString())
            for step, summary in self._summaries(trial):
                writer.write(Event(wall_time=ended_at, step=step, summary=summary).SerializeToString())
            file.flush()
            os.fsync(file.fileno())
        os.rename(self._aside, os.path.join(self._folder, self._run_name(trial)))

    def _run_name(self, trial: StoredTrial) -> str:
        """Return what the run is called: the trial's place on the axes, and its key."""
        said = ",".join(f"{axis}={_in_words(trial.place[axis])}" for axis in self._axes)
        return re.sub(r"[^\w.,=+-]", "_", said)[:MAX_NAME] + PRUNED * trial.is_pruned + f"-{trial.key}"

    def _summaries(self, trial: StoredTrial) -> Iterator[tuple[int, Any]]:
        """Yield a step and what is shown of it: hyperparameters, curves and probes, and what became of the trial."""
        chosen = {axis: trial.row[axis] for axis in AXES} | {axis: trial.place[axis] for axis in self._axes}
        shown = {axis: value if isinstance(value, int | float) else str(value) for axis, value in chosen.items()}
        shown["status"] = trial.row["status"]
        ended_at = trial.ended_at.timestamp()
        yield 0, hparams_config_pb(list(map(HParam, shown)), [Metric(f"trial/{name}") for name in METRICS], ended_at)
        yield 0, hparams_pb(shown, trial.key, trial.row["started_at"].timestamp())
        for table, rows in trial.tables.items():
            for step, at_step in groupby(rows, lambda row: int(row["step"])):
                yield step, _summary(scalar for row in at_step for scalar in scalars(table, row))
        yield trial.row["stop_step"], _summary((f"trial/{name}", value) for name, value in trial.outcome())


def scalars(table: str, row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield tag and value of each number in a row of a table.

    >>> dict(scalars("ics", {"step": 5, "layer": 1, "layer_name": "fc", "ics_l2": 0.5, "ics_cos": None}))
    {'ics/ics_l2/1-fc': 0.5}
    """
    where = ""
    if "layer_name" in row:
        where = f"/{row['layer']}-{row['layer_name']}"
    elif "lr_multiple" in row:
        given_as = row["given_as"] or "lr_multiple"
        where = f"/{given_as}={row[given_as]:g}"
    for column, value in row.items():
        if isinstance(value, int | float) and column not in NO_VALUES:
            yield f"{table}/{column}{where}", float(value)


def _summary(scalars: Iterable[tuple[str, float]]) -> Any:
    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in scalars])


def _in_words(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
