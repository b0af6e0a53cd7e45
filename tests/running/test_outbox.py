"""When rows are committed, and what is in a commit."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.running.coordinator import outbox
from bnsweep.running.coordinator.outbox import (
    FIRST_AFTER_S,
    MAX_INTERVAL_S,
    MIN_INTERVAL_S,
    SHARE_OF_RUN,
    Outbox,
    num_commits,
)
from tests.running.commit_log import Clock


def rows(*values: int) -> dict[str, pa.Table]:
    return {"trials": pa.table({"value": pa.array(values, pa.int64())}), "curves": pa.table({"step": pa.array([0])})}


@given(st.lists(st.floats(0.1, 30.0), min_size=1, max_size=200))
def test_commits_are_a_hundredth_of_the_run_apart_within_bounds(pauses: list[float]) -> None:
    clock = Clock()
    box, at = Outbox(clock), [0.0]
    for number, pause_s in enumerate(pauses):
        clock.now += pause_s
        box.add("a", number, rows(number), [number])
        if box.next_batch(is_end=False):
            at.append(clock.now)
            box.committed()
    assert len(at) < 2 or at[1] >= FIRST_AFTER_S
    for earlier, later in pairwise(at[1:]):
        due_s = min(max(MIN_INTERVAL_S, SHARE_OF_RUN * later), MAX_INTERVAL_S)
        assert due_s <= later - earlier + 1e-9 < due_s + 60
    assert box.is_empty == (at[-1] == clock.now)


def test_a_commit_has_what_came_before_it_and_nothing_twice() -> None:
    clock = Clock()
    box = Outbox(clock)
    box.add("a", 3, rows(1, 2), [1, 2])
    box.add("b", 0, rows(3), [3])
    first = box.next_batch(is_end=True)
    assert first is not None
    box.add("a", 4, rows(4), [4])
    assert box.next_batch(is_end=True) is None  # one at a time
    assert first.tables()["trials"]["value"].to_pylist() == [1, 2, 3]
    assert first.deliveries == {"a": 3, "b": 0}
    assert box.committed() is first
    second = box.next_batch(is_end=True)
    assert second is not None
    assert (second.tables()["trials"]["value"].to_pylist(), second.trials) == ([4], [4])
    box.committed()
    assert box.is_empty
    assert box.next_batch(is_end=True) is None


def test_many_rows_do_not_wait_and_too_many_hold_up_the_workers(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(outbox, "MAX_BYTES", 100)
    box = Outbox(Clock())
    box.add("a", 0, rows(1), [1])
    assert box.next_batch(is_end=False) is None
    box.add("a", 1, rows(*range(100)), [2])
    assert box.is_too_full
    assert box.next_batch(is_end=False) is not None
    assert not box.is_too_full


def test_names_that_workers_encoded_each_for_itself_are_one_column() -> None:
    box = Outbox(Clock())
    for number, norm in enumerate(("batch", "none", "batch")):
        norms = pa.array([norm], pa.dictionary(pa.int32(), pa.string()))
        box.add("a", number, {"trials": pa.table({"norm": norms})}, [number])
    batch = box.next_batch(is_end=True)
    assert batch is not None
    column = batch.tables()["trials"]["norm"]
    assert column.to_pylist() == ["batch", "none", "batch"]
    assert {tuple(chunk.dictionary.to_pylist()) for chunk in column.chunks} == {("batch", "none")}


def test_a_commit_takes_no_second_copy_of_its_rows() -> None:
    box, came = Outbox(Clock()), [rows(*range(1000)), rows(*range(1000))]
    for number, table in enumerate(came):
        box.add("a", number, table, [number])
    batch = box.next_batch(is_end=True)
    assert batch is not None

    def places(*columns: pa.ChunkedArray) -> list[int]:
        return [chunk.buffers()[-1].address for column in columns for chunk in column.chunks]

    joined = batch.tables()["trials"]
    assert joined.num_rows == 2000
    for name in joined.column_names:
        assert places(joined[name]) == places(*(table["trials"][name] for table in came))


def test_the_number_of_commits_that_is_planned_for_is_that_of_a_run() -> None:
    clock = Clock()
    box, commits = Outbox(clock), 0
    while clock.now < 3000:
        clock.now += 1.0
        box.add("a", 0, rows(0), [0])
        if box.next_batch(is_end=clock.now >= 3000):
            box.committed()
            commits += 1
    assert num_commits(3000) == pytest.approx(commits, rel=0.05)  # whole seconds here
    assert 1440 < num_commits(86_400) < 1700
