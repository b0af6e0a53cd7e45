"""What verification finds and what repair does about it: no damage goes unseen, no sound row is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bnsweep.cli.maintenance import compact_directory, verify_directory
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.files import write
from bnsweep.results.verify import Problem, verify
from bnsweep.spec.probes import LandscapeSpec, ProbesSpec
from tests.results.rows import OWN, commit, contents, few_specs, tables_of, write_store

Repaired = Callable[[Store], dict[str, list[str]]]


def found(store: Store) -> dict[str, list[str]]:
    """Return the paths that verification names, by kind."""
    kinds: dict[str, list[str]] = {}
    for problem in verify(store):
        kinds.setdefault(problem.kind, []).append(problem.path)
    return kinds


@pytest.fixture
def repaired(location: str) -> Repaired:
    """Repair the store; return what is found then."""

    def repair(store: Store) -> dict[str, list[str]]:
        verify_directory(location, repair=True)
        return found(store)

    return repair


def first_file(store: Store, table: str) -> str:
    return f"{table}/{store.files.entries(table)[0].name}"


def spoil(store: Store, name: str) -> None:
    content = store.files.read(name) or b""
    write(store.files, name, content[:-1] + bytes([content[-1] ^ 1]))


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


def test_gaps_and_undeclared_trials_are_distinguished(store: Store, location: str) -> None:
    specs = write_store(store)
    store.declare("few", ["never ran", *(spec.trial_key for spec in specs[1:])], "")
    assert [(problem.kind, problem.what) for problem in verify(store)] == [
        ("gap", "of 6 declared trials these have no result, 1: never ran"),
        ("undeclared", f"does not declare these stored trials, 1: {specs[0].trial_key}"),
    ]
    store.declare("few", [spec.trial_key for spec in specs[1:]], "")
    outcome = verify_directory(location)
    assert outcome.exit_code == 0
    assert "no problems" in outcome.lines[-1]


def test_a_missing_file_costs_its_batch_and_no_other(store: Store, repaired: Repaired) -> None:
    specs = write_store(store)
    name = first_file(store, "ics")
    store.files.delete([name])
    assert found(store) == {"missing": [name]}
    assert repaired(store) == {"gap": ["_sweep.json"]}
    assert len(store.finished()) == 4
    batch = name.removeprefix("ics/")
    assert store.files.exists(f"_damaged/trials/{batch}")
    assert not any(store.files.exists(f"{table}/{batch}") for table in ("trials", "curves", "noise"))
    commit(store, [spec for spec in specs if spec.trial_key not in store.finished()])
    assert verify(store) == []


def test_a_manifest_is_written_anew_where_the_files_are_sound(store: Store, repaired: Repaired) -> None:
    write_store(store)
    before, (first, second, *_) = contents(store), store.files.entries("_commits")
    spoil(store, f"_commits/{first.name}")
    store.files.delete([f"_commits/{second.name}"])
    assert found(store) == {"manifest": [f"_commits/{first.name}", f"_commits/{second.name}"]}
    assert repaired(store) == {}
    assert contents(store) == before


def test_torn_files_are_removed_and_foreign_ones_moved(store: Store, repaired: Repaired) -> None:
    write_store(store)
    before = contents(store)
    torn = ["_commits/0123456789abcdef.json", "_staging/x", "ics/0123456789abcdef.parquet"]
    foreign = ["ics/mine.parquet", "trials/readme.txt"]
    for name in torn + foreign:
        write(store.files, name, b"PAR1")
    write(store.files, "report/0.parquet", b"a folder that is no table is the user's")
    assert found(store) == {"torn": torn, "foreign": foreign}
    assert repaired(store) == {}
    assert contents(store) == before
    assert store.files.read("_foreign/trials/readme.txt") == b"PAR1"
    assert store.files.exists("report/0.parquet")


def test_a_trial_in_two_batches_is_found_and_left_in_one(store: Store, repaired: Repaired) -> None:
    specs = write_store(store)
    before = contents(store)
    commit(store, specs[1:3])
    assert set(found(store)) == {"duplicate"}
    assert repaired(store) == {}
    assert contents(store) == before


MULTIPLE, LENGTH = "lr_multiple", "alpha"
Change = Callable[[pa.Table], pa.Table]


@pytest.mark.parametrize(
    ("table", "change", "what"),
    [
        ("ics", lambda rows: pa.concat_tables([rows, rows[:2]]), "has 2 rows twice"),
        ("landscape", lambda rows: pa.concat_tables([rows, rows[:2]]), "has 2 rows twice"),
        (
            "ics",
            lambda rows: with_column(rows, "trial_key", ["a"] * len(rows)),
            "of trials that its commit has not, 1: a",
        ),
        ("trials", lambda rows: rows[1:], "holds other trials than its name says"),
        ("trials", lambda rows: rows.drop_columns("trial_key"), "has no column trial_key"),
    ],
)
def test_rows_that_contradict_their_batch_are_found(
    store: Store, table: str, change: Change, what: str, repaired: Repaired
) -> None:
    write_store(store, pack=6)
    name = first_file(store, table)
    rewrite(store, name, change)
    assert any(what in problem.what for problem in verify(store) if problem.path == name)
    assert repaired(store) == {"gap": ["_sweep.json"]}
    assert store.finished() == set()


@pytest.mark.parametrize("says", [True, False])
def test_a_step_length_asked_for_in_two_ways_is_no_damage(store: Store, says: bool) -> None:
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
    store.commit({**tables_of([spec]), "landscape": measured}, {"noise": OWN})
    store.declare("few", [spec.trial_key], "")
    assert verify(store) == []
    rewrite(store, first_file(store, "landscape"), lambda rows: pa.concat_tables([rows, rows[2:4]]))
    assert ("has 2 rows twice" in [problem.what for problem in verify(store)]) == says


def with_column(rows: pa.Table, name: str, values: list[Any]) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, [values])


def rewrite(store: Store, name: str, change: Change) -> None:
    """Change a file as somebody would who leaves no trace in the manifest."""
    sink = pa.BufferOutputStream()
    pq.write_table(change(pq.read_table(store.path(name), filesystem=store.fs)), sink)
    write(store.files, name, sink.getvalue())
    store.files.delete([f"_commits/{name.rpartition('/')[2].removesuffix('.parquet')}.json"])


def test_damaged_records_are_removed_or_written_anew(store: Store, location: str, repaired: Repaired) -> None:
    write_store(store)
    before = contents(store)
    compact_directory(location)
    store.save_checkpoint("a", b"content")
    names = ["_checkpoints/a", "_replace.json", "_run.json"]
    for name in names:
        spoil(store, name)
    assert found(store) == {"record": names}
    assert repaired(store) == {}
    assert contents(store) == before


def test_columns_that_are_not_ours_are_found(store: Store) -> None:
    write_store(store, pack=6)
    name = first_file(store, "ics")
    rewrite(store, name, lambda rows: rows.drop_columns("layer_name"))
    assert set(found(store)) == {"manifest"}
    rewrite(store, name, lambda rows: rows.append_column("mine", [[1] * len(rows)]))
    assert "column mine is none of table ics" in [problem.what for problem in verify(store)]
    rewrite(store, name, lambda rows: with_column(rows, "step", [0.5] * len(rows)))
    assert "column step is of type double, not int64" in [problem.what for problem in verify(store)]


def test_a_spec_that_is_not_that_of_its_key_is_found(store: Store) -> None:
    specs = write_store(store, pack=6)
    other, name = few_specs(7)[-1].to_json(), first_file(store, "trials")
    rewrite(store, name, lambda rows: with_column(rows, "spec", [other, "{", *rows["spec"].to_pylist()[2:]]))
    (problem,) = (problem for problem in verify(store) if problem.kind == "key")
    assert problem.path == name
    assert ", 2: " in problem.what
    assert len(store.finished()) == len(specs)


def test_problems_say_what_to_do() -> None:
    problem = Problem("missing", "ics/a.parquet", "is gone")
    assert str(problem).startswith("missing: ics/a.parquet: is gone; `bnsweep verify --repair` moves its commit")


def test_repair_waits_for_no_run(store: Store, location: str) -> None:
    write_store(store, number=2)
    with store.lock(), pytest.raises(InputError, match="held by another run"):
        verify_directory(location, repair=True)
