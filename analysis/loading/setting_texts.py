"""The setting of each trial from its spec, without reading a million specs that differ in nothing but the axes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.results.schema import AXES
from bnsweep.results.stored_spec import setting_text

ROWS = 10_000
"""At a time: the texts of a million specs are a gigabyte."""
_NAMES = "|".join(AXES)
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_AXIS = rf'"({_NAMES})": ?("[^"\\]*"|{_NUMBER})([,}}])'
"""A field of an axis with its value, in JSON."""
_EMPTIED = re.compile(rf'"({_NAMES})":(?=[,}}])')
_NAMED = re.compile(rf'"({_NAMES})":')


def setting_texts(trials: pd.DataFrame) -> pd.Series:
    """Return the `setting_text` of each trial's spec as a category, so that no text is held twice, in sorted order.

    Of specs that are alike but for the values of their axes one is read, where each axis is named once: so that none is
    a field of a section, which would belong to the setting.

    Args:
        trials: with the columns `spec` and `AXES`.

    Raises:
        InputError: a damaged spec.
    """
    specs, axes = trials["spec"], {axis: _in_json(trials[axis]) for axis in AXES}
    parts = [
        _forms(_texts(specs.iloc[start : start + ROWS]), {name: axes[name].slice(start, ROWS) for name in AXES})
        for start in range(0, len(specs), ROWS)
    ]
    encoded = (
        pa.chunked_array(parts, pa.dictionary(pa.int32(), pa.large_string())).unify_dictionaries().combine_chunks()
    )
    forms, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    is_alone = ~np.array([_has_each_axis_once(form) for form in forms])[codes]
    kinds = np.where(is_alone, len(forms) + np.arange(len(codes)), codes)
    _, first, kind_of = np.unique(kinds, return_index=True, return_inverse=True)
    texts = [setting_text(specs.iloc[row]) for row in first]
    text_of, distinct = pd.factorize(pd.Index(texts), sort=True)
    return pd.Series(pd.Categorical.from_codes(text_of[kind_of], distinct), specs.index)


def _in_json(values: pd.Series) -> pa.LargeStringArray:
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    return pa.array([json.dumps(value) for value in distinct.tolist()], pa.large_string()).take(pa.array(codes))


def _texts(specs: pd.Series[str]) -> pa.LargeStringArray:
    texts = pa.array(specs.astype(str), pa.large_string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def _forms(specs: pa.LargeStringArray, axes: Mapping[str, pa.LargeStringArray]) -> pa.DictionaryArray:
    """Return the specs without the values of axes, which are searched for in what is not the first spec again."""
    is_first_again = pc.and_(are_first_with(specs, axes), pa.array(np.arange(len(specs)) > 0))
    others = pc.if_else(is_first_again, pa.scalar(None, pa.large_string()), specs)
    forms = pc.replace_substring_regex(others, _AXIS, r'"\1":\3').dictionary_encode()
    return pa.DictionaryArray.from_arrays(forms.indices.fill_null(0), forms.dictionary)


def are_first_with(specs: pa.LargeStringArray, axes: Mapping[str, pa.LargeStringArray]) -> pa.BooleanArray:
    """Return of each spec whether it is the first one but for the values of its axes, which are these, in JSON.

    None is where the first does not name each axis once.
    """
    first: str = specs[0].as_py()
    fields = list(re.finditer(_AXIS, first))
    if sorted(field[1] for field in fields) != sorted(AXES):
        return pa.repeat(False, len(specs))
    starts, ends = [0, *(field.end(2) for field in fields)], [*(field.start(2) for field in fields), len(first)]
    between = [pa.scalar(first[start:end], pa.large_string()) for start, end in zip(starts, ends, strict=True)]
    parts = [part for text, field in zip(between[:-1], fields, strict=True) for part in (text, axes[field[1]])]
    return pc.equal(specs, pc.binary_join_element_wise(*parts, between[-1], pa.scalar("", pa.large_string())))


def _has_each_axis_once(form: str) -> bool:
    return sorted(_EMPTIED.findall(form)) == sorted(AXES) == sorted(_NAMED.findall(form))
