"""Settings: every field of the spec but the axes tells trials apart, and none is dropped without a word."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import analysis
from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.loading.spec_fields import flatten, in_words, levels_of, short_names
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.schema import AXES
from bnsweep.spec import TrialSpec
from tests.frames import with_steps
from tests.synthetic import commit_rows, make_specs, rows_of, write_sweep

SMALL: dict[str, Any] = {"norms": ["none", "batch"], "gains": [1.0], "lrs": [0.1, 1.0], "num_seeds": 2}
NAMES = st.text("abc", min_size=1, max_size=2)
VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | NAMES | st.lists(st.integers(0, 2))
SPECS = st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)


def loaded(specs: Sequence[TrialSpec], directory: Path) -> Results:
    write_sweep(directory, specs)
    return analysis.load(directory)


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        ({"log_every": 10}, {"log_every": 2}, ["log_every 2", "log_every 10"]),
        ({"eval_every": 100}, {"eval_every": None}, ["eval_every none", "eval_every 100"]),
        ({"compile": True}, {"compile": False}, ["compile true", "compile false"]),
        ({"optimizer": "sgd"}, {"optimizer": "adam"}, ["optimizer sgd", "optimizer adam"]),
        ({"weight_decay": 1e-3}, {"weight_decay": 0.0}, ["weight_decay 0", "weight_decay 0.001"]),
        ({"weight_decay": 1 / 3}, {"weight_decay": 0.333333}, ["weight_decay 0.333333", f"weight_decay {1 / 3}"]),
    ],
)
def test_any_field_of_training_tells_settings_apart(
    first: dict[str, Any], second: dict[str, Any], labels: list[str], tmp_path: Path
) -> None:
    specs = [spec for fields in (first, second) for spec in make_specs(**SMALL, **fields, probes=False)]
    parts = split_configurations(loaded(specs, tmp_path))
    assert list(parts) == labels
    assert [len(part.trials) for part in parts.values()] == [8, 8]
    for label, part in parts.items():
        assert set(part.curves["trial_key"]) == set(part.trials["trial_key"])
        assert list(split_configurations(part)) == [""], label


def test_a_field_that_varies_splits_the_results(results: Results) -> None:
    assert list(split_configurations(results)) == [""]
    steps = np.where(results.trials["seed"] == 0, 100, 200)
    parts = split_configurations(replace(results, trials=with_steps(results.trials, steps)))
    assert list(parts) == ["steps 100", "steps 200"]
    one = parts["steps 100"]
    assert set(one.trials["seed"]) == set(one.ics["seed"]) == set(one.moments["seed"]) == {0}
    assert 2 * len(one.trials) == len(results.trials)


def test_probes_and_models_tell_settings_apart(tmp_path: Path) -> None:
    plain = make_specs(**SMALL, probes=False)
    measured = [
        spec.model_copy(update={"probes": spec.probes.model_validate({"ics": {"every": 50}})}) for spec in plain
    ]
    wide = [TrialSpec.model_validate(spec.model_dump() | {"model": {"name": "vgg", "widths": [4]}}) for spec in plain]
    assert list(split_configurations(loaded([*plain, *measured], tmp_path / "ics"))) == ["ics none", "ics every 50"]
    widths = ["widths [16, M, 32, M, 64]", "widths [4]"]
    assert list(split_configurations(loaded([*plain, *wide], tmp_path / "widths"))) == widths


def test_settings_sort_by_value_and_names_as_in_the_sweep_file(tmp_path: Path) -> None:
    specs = [
        spec
        for optimizer in ("sgd", "adam")
        for batch_size in (100, 2, 16)
        for spec in make_specs(**SMALL, optimizer=optimizer, batch_size=batch_size, probes=False)
    ]
    results = loaded(specs, tmp_path)
    expected = [f"batch_size {size}, optimizer {name}" for size in (2, 16, 100) for name in ("sgd", "adam")]
    assert results.settings.fields.index.tolist() == expected
    assert results.settings.levels == {"batch_size": [2, 16, 100], "optimizer": ["sgd", "adam"]}
    assert sum(len(part.trials) for part in split_configurations(results).values()) == len(specs)


def test_a_field_that_older_trials_lack_is_no_setting(tmp_path: Path) -> None:
    results = loaded(make_specs(**SMALL, probes=False), tmp_path)
    fields = json.loads(results.trials["spec"].iloc[0])
    del fields["train"]["compile"]
    trials = results.trials.assign(spec=[json.dumps(fields), *results.trials["spec"].iloc[1:]])
    assert len(replace(results, trials=trials).settings.fields) == 1


def test_settings_are_known_where_few_columns_are_read(tmp_path: Path) -> None:
    specs = [spec for steps in (100, 200) for spec in make_specs(**SMALL, steps=steps, probes=False)]
    write_sweep(tmp_path, specs)
    results = analysis.load(tmp_path, columns={"trials": ["status", "test_acc", "num_classes"]})
    assert list(split_configurations(results)) == ["steps 100", "steps 200"]


def test_two_trials_at_one_point_are_refused_by_name(tmp_path: Path) -> None:
    specs = write_sweep(tmp_path, make_specs(**SMALL, probes=False), declare=False)
    rows = rows_of(specs[3], diverged=False)
    commit_rows(tmp_path, {table: [row | {"trial_key": "f" * 16} for row in some] for table, some in rows.items()})
    with pytest.raises(InputError) as error:
        analysis.load(tmp_path)
    assert "several trials of the same setting, axes and seed under different keys" in str(error.value)
    assert re.search(f"({specs[3].trial_key} and f{{16}}|f{{16}} and {specs[3].trial_key})", str(error.value))
    Store.open(tmp_path).declare("again", [spec.trial_key for spec in specs], "")
    assert analysis.load(tmp_path).undeclared["trial_key"].tolist() == ["f" * 16]


@given(st.lists(st.dictionaries(NAMES, SPECS, max_size=4), min_size=1, max_size=4))
def test_specs_that_differ_differ_in_a_field(specs: list[dict[str, Any]]) -> None:
    columns = {path: levels_of(values) for path, values in flatten(specs).items()}
    named = short_names(list(columns), taken=AXES)
    assert len(set(named.values())) == len(named)
    assert not set(named.values()) & set(AXES)
    meant = [json.dumps(_without_null(spec), sort_keys=True) for spec in specs]
    told = [tuple(in_words(values[k]) for values in columns.values()) for k in range(len(specs))]
    assert all(meant[i] == meant[k] for i, k in product(range(len(specs)), repeat=2) if told[i] == told[k])


def _without_null(spec: Any) -> Any:
    """Return what a spec says: a field that is null is one that it lacks."""
    if isinstance(spec, dict):
        return {name: kept for name, value in spec.items() if (kept := _without_null(value)) not in (None, {})}
    return spec
