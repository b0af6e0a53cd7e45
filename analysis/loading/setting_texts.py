"""The setting of each trial from its spec, without reading a million specs that differ in nothing but the axes."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.results.schema import AXES
from bnsweep.results.stored_spec import setting_text

ROWS = 100_000
"""At a time: the texts of a million specs are a gigabyte."""
_NAMES = "|".join(AXES)
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_AXIS = rf'"({_NAMES})": ?(?:"[^"\\]*"|{_NUMBER})([,}}])'
"""A field of an axis with its value, in JSON."""
_EMPTIED = re.compile(rf'"({_NAMES})":(?=[,}}])')
_NAMED = re.compile(rf'"({_NAMES})":')


def setting_texts(specs: pd.Series[str]) -> pd.Series[str]:
    """Return the `setting_text` of each spec.

    Of specs that are alike but for the values of their axes one is read, where each axis is named once: so that none is
    a field of a section, which would belong to the setting.

    Raises:
        InputError: a damaged spec.
    """
    parts = [_forms(specs.iloc[start : start + ROWS]) for start in range(0, len(specs), ROWS)]
    encoded = (
        pa.chunked_array(parts, pa.dictionary(pa.int32(), pa.large_string())).unify_dictionaries().combine_chunks()
    )
    kinds, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    if len(kinds) == 1 and _has_each_axis_once(kinds[0]):
        return pd.Series(setting_text(specs.iloc[0]), specs.index, dtype=str)
    found = np.empty(len(specs), dtype=object)
    for code, form in enumerate(kinds):
        mine = np.flatnonzero(codes == code)
        if _has_each_axis_once(form):
            found[mine] = setting_text(specs.iloc[mine[0]])
        else:
            found[mine] = [setting_text(text) for text in specs.iloc[mine]]
    return pd.Series(found, specs.index, dtype=str)


def _forms(specs: pd.Series[str]) -> pa.DictionaryArray:
    """Return the specs without the values of axes."""
    texts = pa.array(specs.astype(str), pa.large_string())
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return pc.replace_substring_regex(whole, _AXIS, r'"\1":\2').dictionary_encode()


def _has_each_axis_once(form: str) -> bool:
    return sorted(_EMPTIED.findall(form)) == sorted(AXES) == sorted(_NAMED.findall(form))
