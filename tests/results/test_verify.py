"""What verification finds and what repair does about it: no damage goes unseen, no sound row is lost."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from bnsweep.cli.maintenance import compact_directory, verify_directory
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.commits import encode_metrics
from bnsweep.results.lease import LEASE
from bnsweep.results.verify import Problem, verify
from bnsweep.results.verify.repair import repair
from tests.results.earlier import put_table, write_earlier
from tests.results.findings import first_file, found, repaired, spoil
from tests.results.rows import (
    as_tables,
    commit,
    contents,
    declare,
    few_specs,
    killed,
    tables_of,
    write_store,
)

Change = Callable[[pa.Table], pa.Table]


def stranger() -> pa.Table:
    return as_tables({"ics": [{"trial_key": "stranger", "step": 1, "layer": 0}]})["ics"]


def test_no_problem_is_found_in_a_finished_sweep_before_and_after_compaction(store: Store, location: str) -> None:
    write_store(store)
    before = contents(store)
    for _ in range(2):
        said = list[str]()
        assert verify(store, said.append) == []
        number = len(store.snapshot().live)
        assert said == [
            f"reading what is in {store.root}",
            *(f"checking commit {one} of {number}" for one in range(1, number + 1)),
        ]
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


def test_a_repair_that_a_run_has_taken_over_from_takes_nothing_away_from_it(local: Store) -> None:
    write_store(local)
    with local.take_over(is_repair=True) as repairing:
        local.files.delete([LEASE])  # it was paused, and its lease ran out
        with local.take_over() as writer:
            rows = (item for item in tables_of(few_specs(7)[6:]).items() if item[0] != "trials")
            under_way, _ = encode_metrics(writer.number + 1, rows)
            local.files.put_many(under_way)
            assert repair(repairing, verify(local)) == []
            assert set(found(local)["torn"]) == set(under_way)


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


def test_a_damaged_checkpoint_is_removed(local: Store) -> None:
    write_store(local)
    before = contents(local)
    with local.take_over() as writer:
        writer.checkpoints.save("a", b"content")
    spoil(local, "_checkpoints/a")
    assert found(local) == {"record": ["_checkpoints/a"]}
    assert repaired(local) == {}
    assert contents(local) == before


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
