"""What verification finds in a commit each file of which is as it was written: rows that do not belong there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pytest

from bnsweep.results import Store
from bnsweep.results.commits import FileRecord, encode_commit, read_parquet, to_parquet
from bnsweep.results.verify import verify
from bnsweep.spec.probes import LandscapeSpec, ProbesSpec
from tests.results.findings import first_file, found, repaired
from tests.results.rows import as_tables, commit, declare, few_specs, rows_of_specs, write_store

Change = Callable[[pa.Table], pa.Table]


def rewrite(store: Store, name: str, change: Change) -> None:
    """Change a file of the first commit as somebody would who leaves no trace in its footer."""
    commit_file = store.snapshot().live[1]
    footer = commit_file.footer
    assert footer
    rows = change(read_parquet(store.files.read(name) or b""))
    if name == commit_file.name:
        store.files.put(name, encode_commit(footer, rows))
        return
    content = to_parquet(rows)
    store.files.put(name, content)
    records = tuple(record if record.name != name else _record(record, content) for record in footer.files)
    trials = store.read("trials", where=None)
    store.files.put(commit_file.name, encode_commit(replace(footer, files=records), trials))


def _record(record: FileRecord, content: pa.Buffer) -> FileRecord:
    return replace(record, bytes=content.size, sha256=sha256(content).hexdigest())


MULTIPLE, LENGTH = "lr_multiple", "alpha"


@pytest.mark.parametrize(
    ("table", "change", "what"),
    [
        ("ics", lambda rows: pa.concat_tables([rows, rows[:2]]), "has 2 rows twice"),
        ("landscape", lambda rows: pa.concat_tables([rows, rows[:2]]), "has 2 rows twice"),
        (
            "ics",
            lambda rows: with_column(rows, "trial_key", ["a"] * len(rows)),
            "that its commit has not, 1: a",
        ),
        ("ics", lambda rows: rows.drop_columns("trial_key"), "has no column trial_key"),
        ("trials", lambda rows: pa.concat_tables([rows, rows[:1]]), "has 1 rows twice"),
    ],
)
def test_rows_that_contradict_their_commit_are_found(local: Store, table: str, change: Change, what: str) -> None:
    write_store(local, pack=6)
    name = f"{table}/{local.files.entries(table)[1 if table == 'trials' else 0].name}"
    rewrite(local, name, change)
    assert any(what in problem.what for problem in verify(local) if problem.path == name)
    assert repaired(local) == {"gap": ["_sweep.json"]}
    assert local.finished() == set()


@pytest.mark.parametrize("says", [True, False])
def test_a_step_length_asked_for_in_two_ways_is_no_damage(local: Store, says: bool) -> None:
    """As in `full`, whose absolute lengths are multiples of lr too where lr is 0.1.

    Stored once more it is damage; of old rows, which do not say how they were given, nobody can tell.
    """
    landscape = LandscapeSpec(every=25, lr_multiples=(1.0, 2.0), alphas=(0.01, 0.1))
    (plain,) = few_specs(1)
    spec = plain.model_copy(update={"lr": 0.1, "probes": ProbesSpec(landscape=landscape)})
    lengths = [(MULTIPLE, 1.0, 0.1), (MULTIPLE, 2.0, 0.2), (LENGTH, 0.01 / 0.1, 0.01), (LENGTH, 1.0, 0.1)]
    measured = [
        {"trial_key": spec.trial_key, "lr": 0.1, "step": step, "lr_multiple": multiple, "alpha": alpha}
        | ({"given_as": given_as} if says else {})
        for step in (0, 25)
        for given_as, multiple, alpha in lengths
    ]
    commit(local, as_tables({**rows_of_specs([spec]), "landscape": measured}))
    declare(local, [spec])
    assert verify(local) == []
    rewrite(local, first_file(local, "landscape"), lambda rows: pa.concat_tables([rows, rows[2:4]]))
    assert ("has 2 rows twice" in [problem.what for problem in verify(local)]) == says


def with_column(rows: pa.Table, name: str, values: list[Any]) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, [values])


def test_columns_that_are_not_ours_are_found(local: Store) -> None:
    write_store(local, pack=6)
    name = first_file(local, "ics")
    rewrite(local, name, lambda rows: rows.drop_columns("layer_name"))
    assert found(local) == {}
    rewrite(local, name, lambda rows: rows.append_column("mine", [[1] * len(rows)]))
    assert "column mine is none of table ics" in [problem.what for problem in verify(local)]
    rewrite(local, name, lambda rows: with_column(rows.drop_columns("mine"), "step", [0.5] * len(rows)))
    assert "column step is of type double, not int64" in [problem.what for problem in verify(local)]


def test_a_spec_that_is_not_that_of_its_key_is_found(local: Store) -> None:
    specs = write_store(local, pack=6)
    other, name = few_specs(7)[-1].to_json(), "trials/00000002.parquet"
    rewrite(local, name, lambda rows: with_column(rows, "spec", [other, "{", *rows["spec"].to_pylist()[2:]]))
    (problem,) = (problem for problem in verify(local) if problem.kind == "key")
    assert problem.path == name
    assert ", 2: " in problem.what
    assert len(local.finished()) == len(specs)
