"""Several sweeps side by side: the robustness of every mode in each, and what differs between them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from analysis.finding import overall
from analysis.load import Results, load
from analysis.settings import SETTING_COLUMNS, split_settings
from analysis.tables import robustness_table
from bnsweep.errors import InputError

MOST_SWEEPS = 10
CIRCUMSTANCES = ("git_sha", "device")


@dataclass(frozen=True)
class Comparison:
    """The sweeps by name, in the order given; of a sweep with several settings each is a sweep of its own."""

    names: list[str]
    table: pd.DataFrame
    """sweep, then the columns of `robustness_table` for everything pooled: one row per sweep, norm and measure."""
    differing: pd.DataFrame
    """field, then a column per sweep: what they were run with, where it is not the same in all."""
    notes: list[str]
    """A line on each sweep that is not done yet, and on each two that hold some of the same trials."""


def compare(directories: Sequence[str | os.PathLike[str]]) -> Comparison:
    """Load the sweeps and compute what they are compared by.

    Each is measured on its own grid, against its own best accuracy: where the grids differ, so may the measures.

    Raises:
        InputError: fewer than two sweeps, too many to tell apart, a directory given twice, or one without results.
    """
    _check(directories)
    sweeps = _named(directories)
    if len(sweeps) > MOST_SWEEPS:
        raise InputError(f"compare: {len(sweeps)} sweeps and settings; at most {MOST_SWEEPS} can be told apart")
    tables = [_pooled(results).assign(sweep=name) for name, results in sweeps.items()]
    table = pd.concat(tables, ignore_index=True)
    return Comparison(
        names=list(sweeps),
        table=table[["sweep", *(name for name in table if name not in ("sweep", "setting"))]],
        differing=_differing(sweeps),
        notes=[*_unfinished(sweeps), *_shared(sweeps)],
    )


def _check(directories: Sequence[str | os.PathLike[str]]) -> None:
    if len(directories) < 2:
        raise InputError("compare: needs two results directories or more")
    places = [os.fspath(one) for one in directories]
    resolved = [place if "://" in place else os.path.realpath(os.path.expanduser(place)) for place in places]
    for place, where in zip(places, resolved, strict=True):
        if resolved.count(where) > 1:
            raise InputError(f"compare: {place} is given twice; give each results directory once")


def _named(directories: Sequence[str | os.PathLike[str]]) -> dict[str, Results]:
    """Return each setting of each sweep by a name of its own: the sweep's, or where two have the same, its place."""
    loaded = {os.fspath(one): load(one) for one in directories}
    names = [results.name for results in loaded.values()]
    return {
        f"{results.name if names.count(results.name) == 1 else place}{f': {label}' if label else ''}": part
        for place, results in loaded.items()
        for label, part in split_settings(results).items()
    }


def _pooled(results: Results) -> pd.DataFrame:
    """Return the rows of the robustness table that pool every curve of a norm."""
    table = robustness_table(results)
    return pd.concat([overall(table, measure) for measure in table["measure"].unique()])


def _differing(sweeps: dict[str, Results]) -> pd.DataFrame:
    """Return `Comparison.differing`."""
    rows = [
        {"field": field} | {name: describe(results.trials) for name, results in sweeps.items()}
        for field, describe in FIELDS.items()
    ]
    unlike = [row for row in rows if len({row[name] for name in sweeps}) > 1]
    return pd.DataFrame(unlike, columns=["field", *sweeps])


def _unfinished(sweeps: dict[str, Results]) -> list[str]:
    """Return a line on each sweep that is not done yet."""
    return [
        f"{name} is not done: {len(sweep.missing)} trials are missing"
        for name, sweep in sweeps.items()
        if sweep.missing
    ]


def _shared(sweeps: dict[str, Results]) -> list[str]:
    """Return a line on each two sweeps that hold some of the same trials."""
    keys = {name: set(results.trials["trial_key"].astype(str)) for name, results in sweeps.items()}
    return [
        f"{len(both)} trials are the same in {one} ({len(keys[one])}) and {other} ({len(keys[other])}): "
        "there the two do not confirm each other"
        for one, other in combinations(keys, 2)
        if (both := keys[one] & keys[other])
    ]


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
    **{name: _distinct(name) for name in SETTING_COLUMNS},
    "norm": _distinct("norm"),
    "init": _distinct("init"),
    "init_gain": _numbers("init_gain"),
    "lr": _numbers("lr"),
    "seed": _numbers("seed"),
    "probes": _probes,
    **{name: _distinct(name) for name in CIRCUMSTANCES},
}
"""What sweeps may differ in, each as words computed from the trials."""
