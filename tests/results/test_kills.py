"""Runs, compactions and repairs that are killed before each of their changes: nothing is lost or there twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from bnsweep.results import Store
from bnsweep.results.compact import compact
from bnsweep.results.verify import verify
from bnsweep.results.verify.repair import repair
from tests.results.earlier import write_batch
from tests.results.killing import Action, copied, killed_before, states_of
from tests.results.rows import commit, contents, declare, failure, few_specs, tables_of


def some_tables(*numbers: int) -> dict[str, pa.Table]:
    specs = few_specs(4)
    tables = tables_of(specs[number] for number in numbers)
    return {table: tables[table] for table in ("trials", "ics")}


def commit_two(store: Store) -> None:
    with store.take_over() as writer:
        missing = [number for number, spec in enumerate(few_specs(2)) if spec.trial_key not in store.finished()]
        if missing:
            writer.commit(some_tables(*missing))


def mend(store: Store) -> None:
    with store.take_over(wait=False, is_repair=True) as writer:
        while repair(writer, verify(store)):
            pass


def write_small(store: Store, *commits: tuple[int, ...]) -> None:
    """Write a sweep of two tables."""
    declare(store, few_specs(4))
    commit(store, *(some_tables(*numbers) for numbers in commits))
    if store.is_local:  # fewer states where each takes long
        commit(store, failure("a"))


on_s3_if_long = pytest.mark.parametrize(
    "new_location", ["local", pytest.param("s3", marks=pytest.mark.long)], indirect=True
)
"""For what makes the same kinds of requests as a run and a compaction do."""

Killed = Callable[[Action], Iterator[Store]]


@pytest.fixture(params=["copied", pytest.param("killed", marks=pytest.mark.long)])
def killed(request: pytest.FixtureRequest, location: str, new_location: Callable[[], str]) -> Killed:
    """Yield what a kill of an action leaves of the store, for each change that it may come before, and no kill.

    Once as copies of what the action has written by then, before every other change, and once, before each, with its
    process really killed there.
    """

    def copies(action: Action) -> Iterator[Store]:
        states = states_of(action, location, new_location, every=2)
        assert len(states) > 2
        return map(Store.open, states)

    def kills(action: Action) -> Iterator[Store]:
        for number in itertools.count():
            place = copied(location, new_location())
            was_killed = killed_before(number, action, place)
            yield Store.open(place)
            if not was_killed:
                assert number > 2
                return

    return copies if request.param == "copied" else kills


def problems(store: Store) -> list[str]:
    return [str(problem) for problem in verify(store) if not problem.is_note]


def test_a_killed_run_has_committed_all_or_nothing(store: Store, killed: Killed) -> None:
    write_small(store, (2, 3))
    before, sizes = contents(store), set[int]()
    after = before | {table: sorted(rows.to_pylist(), key=str) for table, rows in some_tables(0, 1).items()}
    for copy in killed(commit_two):
        rows = contents(copy)
        sizes.add(len(rows["trials"]))
        assert rows == before or {table: len(rows[table]) for table in rows} == {
            table: len(before[table]) + len(after[table]) * (table != "failures") for table in before
        }
        commit_two(copy)
        assert len(contents(copy)["trials"]) == 4
        assert problems(copy) == []
    assert sizes == {2, 4}


def test_a_killed_compaction_loses_nothing_and_shows_nothing_twice(store: Store, killed: Killed) -> None:
    write_small(store, (0, 1), (2, 3))
    before = contents(store)
    for copy in killed(compact):
        assert contents(copy) == before
        compact(copy)
        assert contents(copy) == before
        assert len([file for file in copy.snapshot().live if file.rows]) == 1
        assert problems(copy) == []


@on_s3_if_long
def test_a_killed_conversion_of_an_earlier_versions_files_is_finished_by_the_next_run(
    store: Store, killed: Killed
) -> None:
    for numbers in ((0, 1), (1, 2, 3)):
        write_batch(store, some_tables(*numbers))
    wanted = {table: len(rows) for table, rows in some_tables(0, 1, 2, 3).items()}
    for copy in killed(commit):
        commit(copy)
        assert {table: copy.read(table).num_rows for table in wanted} == wanted
        assert copy.snapshot().is_converted
        assert {problem.kind for problem in verify(copy)} == {"declaration"}


@pytest.mark.long
@on_s3_if_long
def test_a_killed_repair_is_finished_by_the_next(store: Store, killed: Killed) -> None:
    write_small(store, (0, 1), (2, 3))
    (name, _) = (f"ics/{entry.name}" for entry in store.files.entries("ics"))
    store.files.put(name, b"PAR1")
    for copy in killed(mend):
        mend(copy)
        assert {problem.kind for problem in verify(copy)} == {"gap"}
        assert copy.finished() == {spec.trial_key for spec in few_specs(4)[2:]}
        assert copy.files.read(f"_damaged/{name}") == b"PAR1"
        commit(copy, some_tables(0, 1))
        assert problems(copy) == []
