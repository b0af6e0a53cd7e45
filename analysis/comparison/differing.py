"""What sweeps may differ in, each as words computed from the trials."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import CONFIGURATION_COLUMNS

CIRCUMSTANCES = ("git_sha", "device")


def differing_fields(sweeps: Mapping[str, Results]) -> pd.DataFrame:
    """Return field, then a column per sweep: what they were run with, where it is not the same in all."""
    rows = [
        {"field": field} | {name: describe(results.trials) for name, results in sweeps.items()}
        for field, describe in FIELDS.items()
    ]
    unlike = [row for row in rows if len({row[name] for name in sweeps}) > 1]
    return pd.DataFrame(unlike, columns=["field", *sweeps])


def _distinct(name: str) -> Callable[[pd.DataFrame], str]:
    def describe(trials: pd.DataFrame) -> str:
        return ", ".join(sorted({str(value) for value in trials[name].dropna()})) or "not recorded"

    return describe


def _numbers(name: str) -> Callable[[pd.DataFrame], str]:
    def describe(trials: pd.DataFrame) -> str:
        return ", ".join(f"{value:.3g}" for value in sorted(trials[name].unique()))

    return describe


def _probes(trials: pd.DataFrame) -> str:
    """Return the probes that measure, each with what its schedule says: 'ics every 25; moments every 25'."""
    asked = [json.loads(text) for text in sorted(trials["probes"].dropna().unique())]
    return " | ".join("; ".join(_probe(name, given) for name, given in one.items() if given) or "none" for one in asked)


def _probe(name: str, given: dict[str, object]) -> str:
    return " ".join([name, *(f"{key} {value}" for key, value in given.items() if value)])


FIELDS: dict[str, Callable[[pd.DataFrame], str]] = {
    **{name: _distinct(name) for name in CONFIGURATION_COLUMNS},
    "norm": _distinct("norm"),
    "init": _distinct("init"),
    "init_gain": _numbers("init_gain"),
    "lr": _numbers("lr"),
    "seed": _numbers("seed"),
    "probes": _probes,
    **{name: _distinct(name) for name in CIRCUMSTANCES},
}
"""How each field is put in words."""
