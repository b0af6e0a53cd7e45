"""What is in the copies of a results directory, read by the tools' own libraries."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

Scalars = dict[str, list[tuple[int, float]]]


def runs(out: Path) -> dict[str, EventAccumulator]:
    """Return the runs that TensorBoard finds, by name."""
    found = {folder.name: EventAccumulator(str(folder)) for folder in (out / "_tensorboard").iterdir()}
    for run in found.values():
        run.Reload()
    return found


def keys_in_tensorboard(out: Path) -> Counter[str]:
    """Return how many runs there are of each trial."""
    return Counter(name.rpartition("-")[2] for name in runs(out))


def scalars(run: EventAccumulator) -> Scalars:
    """Return the step and the value of each point, by tag."""
    return {
        tag: [(event.step, event.tensor_proto.float_val[0]) for event in run.Tensors(tag)]
        if tag in run.Tags()["tensors"]
        else [(event.step, event.value) for event in run.Scalars(tag)]
        for tag in (*run.Tags()["scalars"], *run.Tags()["tensors"])
        if not tag.startswith("_hparams_")
    }


def hyperparameters(run: EventAccumulator) -> dict[str, Any]:
    """Return the hyperparameters of a run, as the plugin has them."""
    content = run.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    found = HParamsPluginData.FromString(content).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


def study(out: Path, name: str) -> optuna.Study:
    """Return a study of the journal."""
    storage = JournalStorage(JournalFileBackend(str(out / "_optuna.journal")))
    return optuna.load_study(study_name=name, storage=storage)


def by_key(found: optuna.Study) -> dict[str, FrozenTrial]:
    """Return the trials of a study by trial_key."""
    return {trial.user_attrs["trial_key"]: trial for trial in found.trials}


def keys_in_study(out: Path, name: str) -> Counter[str]:
    """Return how many trials of a study there are of each of ours."""
    return Counter(trial.user_attrs["trial_key"] for trial in study(out, name).trials)
