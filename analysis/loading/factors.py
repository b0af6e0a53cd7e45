"""Factors: the fields in which settings differ, those that always change together as one."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.loading.one_line import one_line
from analysis.loading.settings import Settings
from analysis.loading.spec_fields import Level, in_words


@dataclass(frozen=True, repr=False)
class Factor:
    """A field that varies, or several of which each determines the others: their effects cannot be told apart."""

    name: str
    """'optimizer', or 'optimizer & momentum'."""
    levels: list[Level]
    """In order: numbers by size, names as in the sweep file."""
    of_setting: pd.Series
    """The level of each setting, by its label."""

    __repr__ = one_line


def factors_of(settings: Settings) -> list[Factor]:
    """Return the factors in the order of the fields."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for field in settings.levels:
        groups.setdefault(tuple(pd.factorize(settings.fields[field])[0]), []).append(field)
    return [_factor(settings, fields) for fields in groups.values()]


def _factor(settings: Settings, fields: list[str]) -> Factor:
    first = settings.fields[fields[0]]
    if len(fields) == 1:
        return Factor(fields[0], settings.levels[fields[0]], first)
    words = settings.fields[fields].map(in_words).agg(", ".join, axis=1)
    levels: list[Level] = [words[first == level].iloc[0] for level in settings.levels[fields[0]]]
    return Factor(" & ".join(fields), levels, words)
