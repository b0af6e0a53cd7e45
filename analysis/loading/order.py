"""The order of the normalization modes and initializers: that of the sweep file, or else a fixed one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bnsweep.results.schema import AXES, NORM_NAMES

NORM_ORDER: tuple[str, ...] = NORM_NAMES
"""The order of the normalization modes where no sweep file gives one."""

BASELINE = NORM_ORDER[0]
"""The mode that the others are compared with."""

ORDERED = ("norm", "init")
"""The axes whose values are names."""


def in_order(names: pd.Series[str] | pd.Index[str] | Sequence[str]) -> list[str]:
    """Return the distinct names: of an ordered category in its order, else as in `NORM_ORDER`, unknown ones last."""
    values = pd.Series(names)
    present = {str(name) for name in values.unique()}
    if isinstance(values.dtype, pd.CategoricalDtype) and values.dtype.ordered:
        return [str(name) for name in values.dtype.categories if name in present]
    return sorted(present, key=lambda name: (_usual_place(name), name))


def declared_order(trials: pd.DataFrame, trial_keys: Sequence[str], axis: str) -> pd.CategoricalDtype:
    """Return the names on `axis` as an ordered category, as the sweep file lists them; else as in `NORM_ORDER`."""
    names, others = trials[axis].astype(str), [trials[name] for name in AXES if name != axis]
    if len(names.unique()) == 1:
        return pd.CategoricalDtype([names.iloc[0]], ordered=True)
    ranks = declared_ranks(names, others, trials["trial_key"], trial_keys)
    order = sorted(ranks.index, key=lambda name: (ranks[name], _usual_place(name), name))
    return pd.CategoricalDtype(order, ordered=True)


def declared_ranks(
    names: pd.Series[str], others: Sequence[pd.Series], keys: pd.Series[str], declared_keys: Sequence[str]
) -> pd.Series[float]:
    """Return for each distinct name its rank in the sweep file; those that it does not declare share the last.

    `declared_keys` are in the order of the grid. So among the trials that differ in nothing but this name, being the
    same in all `others`, their order is that of the sweep file, and a name's place is the highest rank that it has
    among any of these.
    """
    places = pd.Series(range(len(declared_keys)), index=list(declared_keys), dtype=float)
    position = pd.Series(places.reindex(keys).to_numpy(), index=names.index)
    ranks = position.groupby(list(others)).rank().groupby(names).max()
    first = position.groupby(names).min() / (len(places) + 1)
    return pd.Series((ranks + first).fillna(len(places) + 1))


def _usual_place(name: str) -> int:
    return NORM_ORDER.index(name) if name in NORM_ORDER else len(NORM_ORDER)
