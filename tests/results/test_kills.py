"""Commits, recoveries and compactions that are killed, before each of their changes: nothing is lost or there twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress

import pyarrow as pa
import pytest

from bnsweep.errors import StoreError
from bnsweep.results import Store
from bnsweep.results.compact import compact
from bnsweep.results.verify import verify
from tests.results.killing import Action, copied, killed_before, states_of
from tests.results.rows import Tables, contents, few_specs, plain_rows, tables_of

TABLES = ("trials", "ics")


def some_rows(*numbers: int) -> Tables:
    specs = few_specs(4)
    tables = tables_of(specs[number] for number in numbers)
    return {table: tables[table] for table in TABLES}


def commit_two(store: Store) -> None:
    store.commit(some_rows(0, 1), token="token")


def recover_and_compact(store: Store) -> None:
    store.recover()
    compact(store)


def write_small(store: Store, *batches: tuple[int, ...]) -> None:
    """Write a sweep of two tables."""
    store.begin("token")
    store.declare("few", [spec.trial_key for spec in few_specs(4)], "")
    for numbers in batches:
        store.commit(some_rows(*numbers))
    for attempt in (1, 2) if store.is_local else ():  # fewer states where each takes long
        store.record_failure({"trial_key": "a", "attempt": attempt, "error": "ValueError: x"})


Killed = Callable[[Action], Iterator[Store]]


@pytest.fixture(params=["copied", pytest.param("killed", marks=pytest.mark.long)])
def killed(request: pytest.FixtureRequest, location: str, new_location: Callable[[], str]) -> Killed:
    """Yield what a kill of an action leaves of the store, for each change that it may come before, and no kill.

    Once as copies of what the action has written by then, and once with its process really killed there.
    """

    def copies(action: Action) -> Iterator[Store]:
        states = states_of(action, location, new_location)
        assert len(states) > 3
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


def test_a_killed_commit_is_whole_or_nothing(store: Store, killed: Killed) -> None:
    write_small(store, (2, 3))
    before, states = contents(store)["trials"], set[int]()
    for copy in killed(commit_two):
        trials = plain_rows(copy, "trials")
        states.add(len(trials))
        assert trials == before or len(trials) == 4
        copy.recover()
        assert plain_rows(copy, "trials") == trials
        assert len(plain_rows(copy, "ics")) == len(trials) * len(some_rows(0)["ics"])
        commit_two(copy)
        assert problems(copy) == []
    assert states == {2, 4}


def test_a_killed_compaction_loses_nothing_and_shows_nothing_twice(store: Store, killed: Killed) -> None:
    write_small(store, (0, 1), (2, 3))
    before, found = contents(store), set[int]()
    for copy in killed(recover_and_compact):
        for table, rows in before.items():
            _check_what_readers_see(copy, table, rows)
        found.add(len(copy.files.entries("trials")))
        recover_and_compact(copy)
        assert contents(copy) == before
        assert {len(copy.batches(table)) for table in before} == {1}
        assert problems(copy) == []
    assert found == {0, 1, 2}


def _check_what_readers_see(store: Store, table: str, rows: list[tuple[object, ...]]) -> None:
    try:
        seen = plain_rows(store, table)
    except (FileNotFoundError, pa.ArrowInvalid):  # no such table just now
        seen = []
    assert len(set(seen)) == len(seen)
    assert seen in ([], rows) if store.is_local else set(seen) <= set(rows)
    with suppress(StoreError):  # it says that a compaction was cut off
        assert store.read(table).num_rows == len(rows)


def test_a_killed_removal_of_duplicates_is_finished_by_the_next_run(store: Store, killed: Killed) -> None:
    write_small(store, (0, 1), (1, 2))
    for copy in killed(Store.recover):
        copy.recover()
        assert [problem.kind for problem in verify(copy)] == ["gap"]
        assert len(plain_rows(copy, "trials")) == 3
        assert len(plain_rows(copy, "ics")) == 3 * len(some_rows(0)["ics"])
