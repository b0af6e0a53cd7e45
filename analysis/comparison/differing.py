"""What sweeps may differ in, each as words computed from the trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from analysis.loading import Results
from analysis.loading.settings import read_settings
from analysis.loading.spec_fields import in_words
from analysis.loading.versions import version_counts


def differing_fields(sweeps: Mapping[str, Results]) -> pd.DataFrame:
    """Return field, then a column per sweep: what they were run with, where it is not the same in all.

    First the fields of the spec that name no axis of the tables, whatever they are; then the axes and circumstances.
    """
    rows = [
        *_settings({name: results.trials for name, results in sweeps.items()}),
        *(
            {"field": field} | {name: describe(results.trials) for name, results in sweeps.items()}
            for field, describe in FIELDS.items()
        ),
    ]
    unlike = [row for row in rows if len({row[name] for name in sweeps}) > 1]
    return pd.DataFrame(unlike, columns=["field", *sweeps])


def _settings(trials: Mapping[str, pd.DataFrame]) -> list[dict[str, str]]:
    """Return for each field of the spec that varies, in all sweeps together, the levels that each sweep has."""
    stacked = pd.concat(trials, names=["sweep", "row"])
    settings = read_settings(stacked)
    present = settings.of_trial.groupby("sweep").unique()
    return [
        {"field": field}
        | {
            name: ", ".join(
                in_words(level) for level in levels if level in set(settings.fields.loc[present[name], field])
            )
            for name in trials
        }
        for field, levels in settings.levels.items()
    ]


def _distinct(name: str) -> Callable[[pd.DataFrame], str]:
    def describe(trials: pd.DataFrame) -> str:
        return ", ".join(sorted({str(value) for value in trials[name].dropna()})) or "not recorded"

    return describe


def _numbers(name: str) -> Callable[[pd.DataFrame], str]:
    def describe(trials: pd.DataFrame) -> str:
        return ", ".join(f"{value:.3g}" for value in sorted(trials[name].unique()))

    return describe


def _versions(trials: pd.DataFrame) -> str:
    return ", ".join(version_counts(trials))


FIELDS: dict[str, Callable[[pd.DataFrame], str]] = {
    "norm": _distinct("norm"),
    "init": _distinct("init"),
    "init_gain": _numbers("init_gain"),
    "lr": _numbers("lr"),
    "seed": _numbers("seed"),
    "semantics version": _versions,
    "git_sha": _distinct("git_sha"),
    "device": _distinct("device"),
}
"""How each field is put in words."""
