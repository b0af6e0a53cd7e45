"""Settings read from few specs are those read from each."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.loading.membership import are_among
from analysis.loading.setting_texts import are_first_with, setting_texts
from bnsweep.errors import InputError
from bnsweep.results.stored_spec import setting_text
from tests.synthetic import make_specs

AXES = {"norm": "batch", "init": "default", "init_gain": 0.5, "lr": 1e-05, "seed": 3}


def with_specs(specs: list[str]) -> pd.DataFrame:
    """Return trials of the axes in `AXES`, each with the number of its row as seed, whatever their specs say."""
    return pd.DataFrame([AXES | {"seed": k} for k in range(len(specs))]).assign(spec=specs)


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
    trials = with_specs([json.dumps(AXES | {"seed": k} | some, separators=separators) for k, some in enumerate(fields)])
    assert setting_texts(trials).tolist() == [setting_text(text) for text in trials["spec"]]


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_as_trials_are_stored(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.loading.setting_texts.ROWS", rows)
    specs = [spec for steps in (100, 200) for spec in make_specs(steps=steps)]
    trials = pd.DataFrame({axis: [getattr(spec, axis) for spec in specs] for axis in AXES})
    trials = trials.assign(spec=[spec.to_json() for spec in specs]).set_axis(range(5, 5 + len(specs)))
    found = setting_texts(trials)
    assert found.tolist() == [setting_text(text) for text in trials["spec"]]
    assert found.index.equals(trials.index)
    assert found.cat.categories.tolist() == sorted(set(found))


def test_specs_are_searched_for_axes_where_they_are_not_the_first_with_their_own() -> None:
    specs = [json.dumps(AXES | {"seed": seed, "model": model}) for model in "ab" for seed in range(5)]
    values = {axis: pa.array([json.dumps(value)] * len(specs), pa.large_string()) for axis, value in AXES.items()}
    values["seed"] = pa.array([str(k % 5) for k in range(len(specs))], pa.large_string())
    texts = pa.array(specs, pa.large_string())
    assert are_first_with(texts, values).to_pylist() == [True] * 5 + [False] * 5
    unlike = values | {"seed": pa.array(["7"] * len(specs), pa.large_string())}
    assert not any(are_first_with(texts, unlike).to_pylist())


def test_a_damaged_spec_is_refused_wherever_it_is() -> None:
    with pytest.raises(InputError, match="a spec is damaged"):
        setting_texts(with_specs([json.dumps(AXES), json.dumps(AXES)[:-1] + ",}"]))


@given(st.lists(st.text(max_size=3)), st.lists(st.text(max_size=3)))
def test_keys_among_others(keys: list[str], others: list[str]) -> None:
    expected = [key in others for key in keys]
    assert are_among(pd.Series(keys, dtype=str), others).tolist() == expected
    assert are_among(pd.Series(keys, dtype=str), pd.Series(others, dtype=str)).tolist() == expected
