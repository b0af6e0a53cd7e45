"""What verification finds and what repair does about it: no damage goes unseen, no sound row is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pytest

from bnsweep.cli.maintenance import compact_directory, verify_directory
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.commits import FileRecord, encode_commit, read_parquet, to_parquet
from bnsweep.results.verify import Problem, verify
from bnsweep.spec.probes import LandscapeSpec, ProbesSpec
from tests.results.earlier import put_table, write_earlier
from tests.results.rows import (
    as_tables,
    commit,
    contents,
    declare,
    few_specs,
    killed,
    rows_of_specs,
    tables_of,
    write_store,
)

Change = Callable[[pa.Table], pa.Table]


def stranger() -> pa.Table:
    return as_tables({"ics": [{"trial_key": "stranger", "step": 1, "layer": 0}]})["ics"]


def found(store: Store) -> dict[str, list[str]]:
    """Return the paths that verification names, by kind."""
    kinds: dict[str, list[str]] = {}
    for problem in verify(store):
        kinds.setdefault(problem.kind, []).append(problem.path)
    return kinds


def repaired(store: Store) -> dict[str, list[str]]:
    """Repair the store; return what is found then."""
    verify_directory(store.root, repair=True)
    return found(store)


def first_file(store: Store, table: str) -> str:
    return f"{table}/{store.files.entries(table)[0].name}"


def spoil(store: Store, name: str) -> None:
    content = store.files.read(name) or b""
    store.files.put(name, content[:-1] + bytes([content[-1] ^ 1]))


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


def test_no_problem_is_found_in_a_finished_sweep_before_and_after_compaction(store: Store, location: str) -> None:
    write_store(store)
    before = contents(store)
    for _ in range(2):
        assert verify(store) == []
        assert verify_directory(location).exit_code == 0
        compact_directory(location)
    assert contents(store) == before


def test_a_directory_that_is_not_there_is_an_input_error(store: Store, location: str) -> None:
    for use in (verify_directory, compact_directory):
        with pytest.raises(InputError, match="no such directory; give the --out of a `bnsweep run`"):
            use(location)


def test_gaps_and_undeclared_trials_are_distinguished(local: Store) -> None:
    specs = write_store(local)
    with local.take_over() as writer:
        writer.declare("few", ["never ran", *(spec.trial_key for spec in specs[1:])], "")
    assert [(problem.kind, problem.what) for problem in verify(local)] == [
        ("gap", "of 6 declared trials these have no result, 1: never ran"),
        ("undeclared", f"does not declare these stored trials, 1: {specs[0].trial_key}"),
    ]
    declare(local, specs[1:])
    outcome = verify_directory(local.root)
    assert outcome.exit_code == 0
    assert "no problems" in outcome.lines[-1]


@pytest.mark.parametrize("table", ["ics", "trials"])
@pytest.mark.parametrize("harm", ["gone", "spoilt"])
def test_a_harmed_file_costs_its_commit_and_no_other(local: Store, table: str, harm: str) -> None:
    specs = write_store(local)
    name = f"{table}/{local.files.entries(table)[1].name}"
    if harm == "spoilt":
        spoil(local, name)
    else:
        local.files.delete([name])
    kinds = found(local)
    if (harm, table) == ("gone", "trials"):
        assert set(kinds) == {"torn", "gap"}
        assert name.removeprefix("trials/")[:8] in kinds["torn"][0]
    else:
        assert name in kinds["missing" if harm == "gone" else "damaged"]
    assert repaired(local) == {"gap": ["_sweep.json"]}
    assert len(local.finished()) == 4
    number = name.partition("/")[2][:8]
    left = [entry.name for folder in ("curves", "ics", "noise") for entry in local.files.entries(folder)]
    assert not any(file.startswith(number) for file in left)
    if (harm, table) != ("gone", "trials"):
        assert local.files.read(f"_damaged/trials/{number}.parquet")
        assert local.files.read(f"trials/{number}.parquet")
    commit(local, tables_of([spec for spec in specs if spec.trial_key not in local.finished()]))
    assert verify(local) == []


def test_torn_files_are_removed_and_foreign_ones_moved(local: Store) -> None:
    write_store(local)
    before = contents(local)
    with killed(local) as writer:
        writer.commit(tables_of(few_specs(7)[6:]))
        local.files.delete([f"trials/{writer.number:08d}.parquet"])
    torn = set(found(local)["torn"])
    assert {name.partition("/")[0] for name in torn} >= {"curves", "ics", "noise"}
    local.files.put("_staging/x", b"PAR1")
    foreign = ["ics/mine.txt", "trials/readme.txt"]
    for name in foreign:
        local.files.put(name, b"PAR1")
    put_table(
        local, "ics/stranger.parquet", as_tables({"ics": [{"trial_key": "stranger", "step": 1, "layer": 0}]})["ics"]
    )
    local.files.put("report/0.parquet", b"a folder that is no table is the user's")
    assert {kind: set(names) for kind, names in found(local).items()} == {
        "torn": torn | {"_staging/x"},
        "foreign": {*foreign, "ics/stranger.parquet"},
    }
    assert repaired(local) == {}
    assert contents(local) == before
    assert local.files.read("_foreign/trials/readme.txt") == b"PAR1"
    assert local.files.read("report/0.parquet")


def test_a_trial_in_two_commits_is_found_and_left_in_one(local: Store) -> None:
    specs = write_store(local)
    before = contents(local)
    with killed(local) as writer:
        writer.commit(tables_of(specs[1:2]))
        writer.commit(tables_of(specs[2:3]))
    last = f"trials/{writer.number:08d}.parquet"
    assert set(found(local)) == {"duplicate"}
    assert repaired(local) == {}
    commit(local)
    assert contents(local) == before
    assert local.files.read(last), "its writer may be in doubt about it"


def test_what_a_merge_left_is_found_and_removed(local: Store) -> None:
    write_store(local)
    before, name = contents(local), "trials/00000002.parquet"
    content = local.files.read(name) or b""
    compact_directory(local.root)
    local.files.put(name, content)
    assert found(local) == {"unfinished": [name]}
    assert contents(local) == before
    assert repaired(local) == {}
    local.files.put(name, content)
    commit(local)
    assert found(local) == {}
    assert contents(local) == before


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


def test_a_damaged_checkpoint_is_removed(local: Store) -> None:
    write_store(local)
    before = contents(local)
    with local.take_over() as writer:
        writer.save_checkpoint("a", b"content")
    spoil(local, "_checkpoints/a")
    assert found(local) == {"record": ["_checkpoints/a"]}
    assert repaired(local) == {}
    assert contents(local) == before


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


def test_files_of_an_earlier_version_are_noted_and_what_is_damaged_of_them_costs_its_batch(local: Store) -> None:
    specs = few_specs(4)
    write_earlier(local, specs)
    kinds = found(local)
    assert set(kinds) == {"unnumbered"}
    assert verify_directory(local.root).exit_code == 0
    name = first_file(local, "ics")
    local.files.put(name, b"PAR1")
    assert found(local)["damaged"] == [name]
    assert set(repaired(local)) == {"gap", "unnumbered"}
    assert len(local.finished()) == 2
    commit(local, tables_of([spec for spec in specs if spec.trial_key not in local.finished()]))
    assert verify(local) == []


def test_problems_say_what_to_do() -> None:
    problem = Problem("missing", "ics/a.parquet", "is gone")
    assert str(problem).startswith("missing: ics/a.parquet: is gone; `bnsweep verify --repair` moves its commit")


def test_repair_waits_for_no_run(store: Store, location: str) -> None:
    write_store(store, number=2)
    with store.take_over(), pytest.raises(InputError, match="held by another run"):
        verify_directory(location, repair=True)
