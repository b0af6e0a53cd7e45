"""Settings read from few specs are those read from each."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.loading.membership import are_among
from analysis.loading.setting_texts import setting_texts
from bnsweep.errors import InputError
from bnsweep.results.stored_spec import setting_text
from tests.synthetic import make_specs

AXES = {"norm": "batch", "init": "default", "init_gain": 0.5, "lr": 1e-05, "seed": 3}
names = st.sampled_from([*AXES, "model", "x"])
values = st.recursive(
    st.sampled_from([0, 1, 1.5, 1e-5, "batch", 'a "lr": 3,', "", None, True]),
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=4,
)


@given(
    st.lists(st.dictionaries(names, values, max_size=3), min_size=1, max_size=5), st.sampled_from([None, (",", ":")])
)
def test_whatever_specs_hold(fields: list[dict[str, object]], separators: tuple[str, str] | None) -> None:
    specs = pd.Series([json.dumps(AXES | {"seed": k} | some, separators=separators) for k, some in enumerate(fields)])
    assert setting_texts(specs).tolist() == [setting_text(text) for text in specs]


def test_as_trials_are_stored() -> None:
    specs = pd.Series([spec.to_json() for spec in make_specs()], index=pd.RangeIndex(5, 5 + len(make_specs())))
    found = setting_texts(specs)
    assert found.tolist() == [setting_text(text) for text in specs]
    assert found.index.equals(specs.index)


def test_a_damaged_spec_is_refused_wherever_it_is() -> None:
    with pytest.raises(InputError, match="a spec is damaged"):
        setting_texts(pd.Series([json.dumps(AXES), json.dumps(AXES)[:-1] + ",}"]))


@given(st.lists(st.text(max_size=3)), st.lists(st.text(max_size=3)))
def test_keys_among_others(keys: list[str], others: list[str]) -> None:
    expected = [key in others for key in keys]
    assert are_among(pd.Series(keys, dtype=str), others).tolist() == expected
    assert are_among(pd.Series(keys, dtype=str), pd.Series(others, dtype=str)).tolist() == expected
