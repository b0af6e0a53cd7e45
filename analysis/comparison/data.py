"""Several sweeps side by side: the robustness of every mode in each, and what differs between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from analysis.comparison.differing import differing_fields
from analysis.loading import Results, load
from analysis.loading.configurations import split_configurations
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.loading.versions import version_counts
from analysis.measures.scores import note
from analysis.tables import robustness_table
from analysis.tables.pooled import all_pooled_rows
from bnsweep.errors import InputError

MAX_SWEEPS = 10


@dataclass(frozen=True, repr=False)
class Comparison:
    """The sweeps by name, in the order given; of a sweep with several configurations each is a sweep of its own."""

    names: list[str]
    table: pd.DataFrame
    """sweep, then the columns of `robustness_table` for everything pooled: one row per sweep, norm and measure.

    The norms are in the order of the first sweep, then those that it lacks.
    """
    differing: pd.DataFrame
    """field, then a column per sweep: what they were run with, where it is not the same in all."""
    notes: list[str]
    """A line where semantics versions differ, on each sweep that is not complete, on each two that share trials."""

    __repr__ = one_line


def compare(directories: Sequence[str | os.PathLike[str]], say: Callable[[str], object] = lambda _: None) -> Comparison:
    """Load the sweeps and compute what they are compared by.

    >>> from analysis import compare
    >>> comparison = compare(["results/mini", "results/momentum"])
    >>> widths = comparison.table[comparison.table["measure"] == "trainable_decades"]
    >>> widths[["sweep", "norm", "value", "low", "high"]].round(2)
                   sweep         norm  value   low  high
    3       results/mini         none   0.83  0.00  2.12
    4       results/mini        batch   2.75  0.20  4.00
    5       results/mini  noisy_batch   3.00  2.08  3.92
    44  results/momentum         none   1.00   NaN   NaN
    45  results/momentum        batch   3.00   NaN   NaN
    >>> comparison.differing.loc[comparison.differing["field"] == "momentum"].to_dict("records")
    [{'field': 'momentum', 'results/mini': '0', 'results/momentum': '0.9'}]

    Each is measured on its own grid, against its own best accuracy: where the grids differ, so may the measures.
    `say` is told what is under way.

    Raises:
        InputError: fewer than two sweeps, too many to tell apart, a directory given twice, or one without results.
    """
    _check(directories)
    sweeps, tables = _named(directories, say), list[pd.DataFrame]()
    if len(sweeps) > MAX_SWEEPS:
        raise InputError(
            f"compare: {len(sweeps)} sweeps or configurations; a figure can tell at most {MAX_SWEEPS} apart; give fewer"
        )
    for name, results in sweeps.items():
        say(f"computing the robustness of {name}")
        tables.append(all_pooled_rows(robustness_table(results)).assign(sweep=name))
    norms = dict.fromkeys(norm for table in tables for norm in in_order(table["norm"]))
    table = pd.concat(tables, ignore_index=True).astype({"norm": pd.CategoricalDtype(list(norms), ordered=True)})
    return Comparison(
        names=list(sweeps),
        table=table[["sweep", *(name for name in table if name not in ("sweep", "configuration"))]],
        differing=differing_fields(sweeps),
        notes=[*other_versions(sweeps), *_without_accuracy(sweeps), *_unfinished(sweeps), *_shared(sweeps)],
    )


def _check(directories: Sequence[str | os.PathLike[str]]) -> None:
    if len(directories) < 2:
        raise InputError("compare: needs two results directories or more")
    places = [os.fspath(one) for one in directories]
    resolved = [place if "://" in place else os.path.realpath(os.path.expanduser(place)) for place in places]
    for place, where in zip(places, resolved, strict=True):
        if resolved.count(where) > 1:
            raise InputError(f"compare: {place} is given twice; give each results directory once")


def _named(directories: Sequence[str | os.PathLike[str]], say: Callable[[str], object]) -> dict[str, Results]:
    """Return each sweep and configuration by a name of its own: the sweep's, or if two have the same, its directory."""
    loaded = dict[str, Results]()
    for place in [os.fspath(one) for one in directories]:
        say(f"loading {place}")
        loaded[place] = load(place)
    names = [results.name for results in loaded.values()]
    return {
        f"{results.name if names.count(results.name) == 1 else place}{f': {label}' if label else ''}": part
        for place, results in loaded.items()
        for label, part in _parts(place, results).items()
    }


def _parts(place: str, results: Results) -> dict[str, Results]:
    try:
        return split_configurations(results)
    except InputError as error:
        raise InputError(f"compare: {place}: {error}") from error


def other_versions(sweeps: dict[str, Results]) -> list[str]:
    """Return a line that names the semantics version of each sweep, where they differ."""
    versions = {name: ", ".join(version_counts(sweep.trials)) for name, sweep in sweeps.items()}
    if len(set(versions.values())) == 1:
        return []
    named = "; ".join(f"{name}: {version}" for name, version in versions.items())
    return [
        f"The sweeps are of different semantics versions ({named}), between which the same spec gives other numbers: "
        "what differs here may be due to that alone"
    ]


def _without_accuracy(sweeps: dict[str, Results]) -> list[str]:
    """Return a line on the sweeps of which the measures are of another score, or of none."""
    notes = {name: note(sweep.trials) for name, sweep in sweeps.items()}
    named = {text: [name for name in notes if notes[name] == text] for text in notes.values() if text}
    return [f"{', '.join(names)}: {text}" for text, names in named.items()]


def _unfinished(sweeps: dict[str, Results]) -> list[str]:
    """Return a line on each sweep that is not complete."""
    return [
        f"{name} is incomplete: {len(sweep.missing)} trials are missing"
        for name, sweep in sweeps.items()
        if sweep.missing
    ]


def _shared(sweeps: dict[str, Results]) -> list[str]:
    """Return a line on each two sweeps that hold some of the same trials."""
    keys = {name: set(results.trials["trial_key"]) for name, results in sweeps.items()}
    return [
        f"{len(both)} trials are the same in {one} ({len(keys[one])}) and {other} ({len(keys[other])}): "
        "for those, agreement is no confirmation"
        for one, other in combinations(keys, 2)
        if (both := keys[one] & keys[other])
    ]
