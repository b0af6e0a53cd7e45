"""Where the results come from: dataset, code, versions and devices."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import pandas as pd

from analysis.loading.versions import version_counts
from bnsweep.results.former_code import stored_code_names

JPEG_COPY = "cifar10-jpegq75"


def dataset_names(trials: pd.DataFrame) -> list[str]:
    """Return what the images are, in the words that belong beside every figure made from them."""
    pairs = trials[["dataset", "dataset_options"]].astype(str).drop_duplicates().itertuples(index=False)
    return sorted({_dataset_name(dataset, options) for dataset, options in pairs})


def _dataset_name(dataset: str, options: str) -> str:
    if JPEG_COPY in options:
        return "CIFAR-10, JPEG q75 copy"
    fields = json.loads(options) if options not in ("None", "nan", "") else {}
    told = [f"{key.replace('_', ' ')} {value}" for key, value in fields.items() if value is not None]
    return f"{dataset} ({', '.join(told)})" if told else dataset


def code_versions(trials: pd.DataFrame) -> list[tuple[str, list[int]]]:
    """Return the user's own code of which trials ran several versions: its names, and the trials of each, most first.

    Trials of which no digest is stored do not count.
    """
    columns = ["model", "trial", "probes", "code_sha256"]
    rows = trials[columns].astype(object).dropna(subset="code_sha256").fillna({"trial": ""})
    versions = defaultdict[str, Counter[str]](Counter)
    for row in rows.value_counts().reset_index().to_dict("records"):
        names = stored_code_names(row["model"], row["trial"], row["probes"])
        versions[", ".join(names)][row["code_sha256"]] += row["count"]
    return [(names, sorted(counts.values(), reverse=True)) for names, counts in versions.items() if len(counts) > 1]


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
        "schedule": "schedule",
        "warmup": "warm-up",
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
    versions = ", ".join(version_counts(trials))
    return [
        *facts,
        ("semantics version", versions),
        ("started", when),
        ("time", f"{hours:.2f} worker-hours, of which probes {probes:.2f}"),
    ]


def _distinct(values: pd.Series) -> str:
    known = sorted({str(value) for value in values.dropna()})
    return "; ".join(known) if known else "not recorded"
