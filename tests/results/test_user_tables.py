"""Tables of users' own probes, whatever their columns are called and hold: kept, compacted and never called damaged."""

from __future__ import annotations

import math
import re
from typing import Any

import pyarrow as pa
import pytest

from bnsweep.cli.difference import difference
from bnsweep.results import Store
from bnsweep.results.compact import compact
from bnsweep.results.schema import CURVES
from bnsweep.results.tables import custom_schema, to_table
from bnsweep.results.trial import StoredTrial
from bnsweep.results.verify import verify
from bnsweep.spec import TrialSpec
from tests.results.rows import commit, declare, few_specs, tables_of

LABEL = pa.dictionary(pa.int32(), pa.string())
NAN = math.nan
COLUMNS: dict[str, tuple[dict[str, pa.DataType], list[dict[str, Any]]]] = {
    "text": ({"parameter": pa.string()}, [{"parameter": "weight"}, {"parameter": "bias"}]),
    "equal rows": ({"v": pa.float64()}, [{"v": 0.5}, {"v": 0.5}]),
    "no columns": ({}, [{}, {}]),
    "our names": (
        {"layer": pa.string(), "alpha": pa.list_(pa.float64()), "attempt": pa.bool_(), "lr_multiple": pa.binary()},
        [{"layer": "a", "alpha": [0.1, NAN], "attempt": True, "lr_multiple": b"\0"}, {"alpha": None}],
    ),
    "what repro leaves out of trials": ({"device": LABEL, "steps": pa.int64()}, [{"device": "x", "steps": 1}, {}]),
    "missing": ({"v": pa.float64(), "nothing": pa.null()}, [{"v": NAN}, {"v": None}, {"v": -0.0}, {"v": math.inf}]),
    "nested": (
        {"s": pa.struct({"a": pa.list_(LABEL)}), "m": pa.map_(pa.string(), pa.int64())},
        [{"s": {"a": ["x", None]}, "m": [("k", 1)]}, {"s": None, "m": []}],
    ),
    "exact": (
        {"id": pa.uint64(), "f": pa.float32(), "d": pa.decimal128(5, 2), "t": pa.timestamp("ns")},
        [{"id": 2**64 - 1, "f": 0.1}, {"id": 2**64 - 2, "f": NAN}],
    ),
}


def own_rows(spec: TrialSpec, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"trial_key": spec.trial_key, "norm": spec.norm, "step": step, **row} for step in (0, 5) for row in rows]


def test_rows_older_than_the_rate_of_a_step_are_the_same() -> None:
    """The rate follows of the spec."""
    rows = to_table(CURVES, [{"trial_key": "a", "step": 0, "train_loss": 0.5, "step_lr": 0.1}])
    older = to_table(CURVES, [{"trial_key": "a", "step": 0, "train_loss": 0.5}])
    assert difference("curves", older, rows).is_same
    assert not difference("curves", to_table(CURVES, [{"trial_key": "a", "step": 0}]), rows).is_same


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_with_any_columns_stays_as_it_was_written(name: str, local: Store) -> None:
    columns, rows = COLUMNS[name]
    schema, specs = custom_schema("own", columns), few_specs(4)
    declare(local, specs)
    for pair in (specs[:2], specs[2:]):
        own = [row for spec in pair for row in own_rows(spec, rows)]
        commit(local, {"trials": tables_of(pair)["trials"], "own": to_table(schema, own)})
    for number in (2, 1):
        assert verify(local) == []
        for spec in specs:
            stored = StoredTrial.find(local, spec.trial_key).rows("own")
            assert stored is not None
            found = difference("own", stored, to_table(schema, own_rows(spec, rows)))
            assert found.is_same, str(found)
        assert len(local.files.entries("own")) == number
        compact(local)


def test_a_table_whose_columns_have_changed_has_all_of_them(store: Store) -> None:
    first, second = few_specs(2)
    for spec, columns in ((first, {"old": pa.int64()}), (second, {"new": pa.float64()})):
        own = to_table(custom_schema("own", columns), own_rows(spec, [dict.fromkeys(columns, 1)]))
        commit(store, {"trials": tables_of([spec])["trials"], "own": own})
    for _ in range(2):
        rows = store.read("own", ["trial_key", "old", "new"]).to_pylist()
        assert {(row["trial_key"], row["old"], row["new"]) for row in rows} == {
            (first.trial_key, 1, None),
            (second.trial_key, None, 1.0),
        }
        compact(store)


DIFFERENT: list[tuple[str, pa.DataType, list[Any], list[Any], str]] = [
    ("a large number", pa.int64(), [2**60], [2**60 + 1], "largest difference 1 .*in v at step 0"),
    ("the sign of zero", pa.float64(), [0.0], [-0.0], "largest difference 0 .*in v at step 0"),
    ("a number against none", pa.float64(), [1.0, 2.0], [1.0, None], "inf .*in v at step 1"),
    ("a long list", pa.list_(pa.int64()), [[0] * 5000], [[0] * 2500 + [1] + [0] * 2499], "in v at step 0"),
    (
        "the larger of two",
        pa.float64(),
        [1.0, 2.0],
        [1.5, 4.0],
        r"difference 2 \(0.5 relative\) in v at step 1",
    ),
    ("a row fewer", pa.float64(), [1.0, 2.0], [1.0], "2 rows stored, 1 now"),
]


@pytest.mark.parametrize(
    ("kind", "stored", "again", "message"), [row[1:] for row in DIFFERENT], ids=[row[0] for row in DIFFERENT]
)
def test_a_bit_that_differs_is_found(kind: pa.DataType, stored: list[Any], again: list[Any], message: str) -> None:
    def table(values: list[Any]) -> pa.Table:
        rows = [{"trial_key": "a", "step": step, "v": value} for step, value in enumerate(values)]
        return to_table(custom_schema("own", {"v": kind}), rows)

    assert difference("own", table(again), table(again)).is_same
    found = difference("own", table(stored), table(again))
    assert not found.is_same
    assert re.search(message, str(found))


def test_columns_that_are_no_longer_the_same_are_named() -> None:
    before, now = (custom_schema("own", {name: pa.int64()}).empty_table() for name in ("old", "new"))
    found = difference("own", before, now)
    assert not found.is_same
    assert re.search("own: .*old stored, .*new now", str(found))
