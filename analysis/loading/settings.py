"""Settings: what a sweep may vary besides normalization, initialization, gain, learning rate and seed.

Robustness is a statement about one model, one dataset and one way of training. So each combination of all other fields
of the spec, whatever they are, is a setting of its own, measured and drawn apart; the fields that vary name it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.loading.one_line import one_line
from analysis.loading.order import declared_ranks
from analysis.loading.setting_texts import setting_texts
from analysis.loading.spec_fields import NONE, Level, Path, canonical, flatten, in_words, levels_of, short_names
from bnsweep.errors import InputError
from bnsweep.results.schema import AXES
from bnsweep.results.stored_spec import completed_setting

MAX_NAMED = 3


@dataclass(frozen=True, repr=False)
class Settings:
    """The settings of some trials; a single one has the label '' and no fields."""

    of_trial: pd.Series[str]
    """By trial, the label of its setting: 'optimizer sgd, batch_size 64'."""
    fields: pd.DataFrame
    """A row per setting, its label the index; a column per field that varies, of numbers or text; 'none' for none.

    Rows are sorted by the fields, the first field first: numbers by size, names as in the sweep file.
    """
    levels: dict[str, list[Level]]
    """By field, its distinct values in order."""

    __repr__ = one_line


def read_settings(trials: pd.DataFrame, declared_keys: Sequence[str] = (), ranges: Collection[Path] = ()) -> Settings:
    """Read from the column `spec` in which settings the trials are; `declared_keys` give the order of names.

    Fields at `ranges` tell no settings apart: their values are drawn.

    Raises:
        InputError: a damaged spec.
    """
    texts = setting_texts(trials)
    distinct, of_trial = texts.cat.categories.tolist(), texts.cat.codes.to_numpy()
    parts = flatten([completed_setting(text) for text in distinct])
    varying = {
        path: values for path, values in parts.items() if path not in ranges and len(set(map(canonical, values))) > 1
    }
    if not varying:
        return Settings(
            pd.Series("", index=trials.index, name="configuration", dtype=str), pd.DataFrame(index=[""]), {}
        )
    names = short_names(list(parts), taken=AXES)
    table = pd.DataFrame({names[path]: levels_of(values) for path, values in varying.items()}, distinct, dtype=object)
    by_trial = table.iloc[of_trial].set_axis(trials.index)
    levels = {str(name): _in_order(str(name), by_trial, trials, declared_keys) for name in table}
    places = table.apply(lambda values: values.map(levels[str(values.name)].index))
    labels = table.apply(lambda row: ", ".join(f"{name} {in_words(value)}" for name, value in row.items()), axis=1)
    fields = table.loc[places.sort_values(list(table)).index].rename(index=labels)
    label_of_trial = pd.Series(labels.to_numpy()[of_trial], trials.index, dtype=str, name="configuration")
    return Settings(label_of_trial, fields[~fields.index.duplicated()], levels)


def _in_order(name: str, by_trial: pd.DataFrame, trials: pd.DataFrame, declared_keys: Sequence[str]) -> list[Level]:
    """Return the levels of a field: none first, then numbers by size, then names as the sweep file lists them."""
    values = by_trial[name]
    others = [trials[axis] for axis in AXES] + [by_trial[other].astype(str) for other in by_trial if other != name]
    ranks = declared_ranks(values.astype(str), others, trials["trial_key"], declared_keys)

    def place(value: Level) -> tuple[int, float, str]:
        if isinstance(value, str):
            return (0, 0.0, "") if value == NONE else (2, float(ranks[value]), value)
        return 1, float(value), ""

    return sorted(dict.fromkeys(values), key=place)


def check_no_collision(trials: pd.DataFrame, settings: Settings, place: str, drawn: pd.DataFrame | None = None) -> None:
    """Refuse two trials of one setting at the same axes and seed: all but one would be left out without a word.

    Args:
        trials: of any settings.
        settings: in which they are.
        place: where they are stored.
        drawn: where they are in the ranges that they were drawn from.

    Raises:
        InputError: there are such; the message names some.
    """
    points = trials[list(AXES)].assign(setting=settings.of_trial)
    if drawn is not None:
        points = points.join(drawn.drop(columns=list(AXES), errors="ignore"))
    twice = points[points.duplicated(keep=False)].astype({"norm": str, "init": str})
    if twice.empty:
        return
    keys = trials.loc[twice.index, "trial_key"].groupby([twice[name] for name in twice]).agg(" and ".join).tolist()
    more = "" if len(keys) <= MAX_NAMED else f" and {len(keys) - MAX_NAMED} more"
    raise InputError(
        f"{place}: holds several trials of the same setting, axes and seed under different keys, as different versions "
        f"of bnsweep give them: {'; '.join(keys[:MAX_NAMED])}{more}. Run the sweep again into this directory: what it "
        "does not declare is set apart"
    )
