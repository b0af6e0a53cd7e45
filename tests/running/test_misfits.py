"""Trials that log another type of value to a user's own table than others do: each fails alone, whoever trained it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bnsweep.executors import make_executor
from bnsweep.results import Store
from bnsweep.results.tables import custom_schema, to_table
from bnsweep.results.verify import verify
from bnsweep.running.coordinator import Coordinator
from bnsweep.running.coordinator.outbox import MIN_INTERVAL_S
from bnsweep.running.failure_rows import lost_worker_row
from bnsweep.running.packs import Delivery, Ended, Ending, Pack
from bnsweep.running.plan import Plan
from bnsweep.running.prepare import prepare
from bnsweep.running.run import run
from bnsweep.running.tally import Tally
from bnsweep.spec.sweep import Sweep
from tests.running.by_hand import CRASH, A, B, packs_of, started, taken
from tests.running.commit_log import COMPLETED, SPECS, Clock, delivery, worker

NUMBER, TEXT = pa.float64(), pa.string()


def logged(pack: Pack, who: Any, number: int, values: dict[int, Any], kind: pa.DataType) -> Delivery:
    """Return what a worker says of trials that logged a value each, or only another column."""
    rows = [{"trial_key": SPECS[trial].trial_key, "value": value, "other": 1.0} for trial, value in values.items()]
    table = to_table(custom_schema("mine", {"value": kind, "other": NUMBER}), rows)
    said = delivery(who, pack, number, dict.fromkeys(values, COMPLETED))
    return replace(said, tables={**said.tables, "mine": table})


def committed(coordinator: Coordinator, clock: Clock) -> dict[str, list[dict[str, Any]]]:
    clock.now += MIN_INTERVAL_S
    batch = coordinator.next_batch()
    assert batch is not None
    tables = batch.tables()
    coordinator.committed()
    return {name: table.to_pylist() for name, table in tables.items()}


@pytest.mark.parametrize("between", [True, False])
def test_it_fails_and_its_neighbours_do_not(clock: Clock, between: bool) -> None:
    """Within one commit, or where the first trial is committed already."""
    coordinator = packs_of(started(clock, 4), 2)
    first, second = taken(coordinator, A), taken(coordinator, B)
    coordinator.deliver(logged(first, A, 0, {0: 0.5}, NUMBER))
    before = committed(coordinator, clock) if between else {}
    coordinator.deliver(logged(second, B, 0, {2: "much", 3: None}, TEXT))
    coordinator.deliver(logged(first, A, 1, {1: 1.5}, NUMBER))
    rows = committed(coordinator, clock)
    assert coordinator.tally == Tally(completed=3, failed=1)
    mine = [*before.get("mine", []), *rows["mine"]]
    values = {row["trial_key"]: row.get("value") for row in mine}
    assert values == {SPECS[0].trial_key: 0.5, SPECS[3].trial_key: None, SPECS[1].trial_key: 1.5}
    assert {row["other"] for row in mine} == {1.0}
    assert SPECS[2].trial_key not in {row["trial_key"] for row in rows["trials"]}
    (failure,) = rows["failures"]
    assert (failure["trial_key"], failure["attempt"], failure["host"]) == (SPECS[2].trial_key, 1, "host of b")
    assert failure["error"] == (
        "InputError: table mine: its column value is string in this trial, and double in another; "
        "give it one type in all"
    )
    assert coordinator.missing() == [2]


def test_a_failure_in_the_same_delivery_stays(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 3), 3)
    pack = taken(coordinator)
    coordinator.deliver(logged(pack, A, 0, {0: 0.5}, NUMBER))
    said, raised = logged(pack, A, 1, {1: "much"}, TEXT), {"failures": lost_worker_row(SPECS[2], 1, CRASH)}
    endings = said.endings | {2: Ended(Ending.FAILED)}
    coordinator.deliver(replace(said, endings=endings, tables=said.tables | raised))
    assert coordinator.tally == Tally(completed=1, failed=2)
    rows = committed(coordinator, clock)
    assert sorted(row["trial_key"] for row in rows["failures"]) == sorted(SPECS[trial].trial_key for trial in (1, 2))


def test_a_later_coordinator_goes_by_what_is_stored(clock: Clock) -> None:
    stored = custom_schema("mine", {"value": NUMBER})
    coordinator = packs_of(started(clock, 2, own_schemas={"mine": stored}), 2)
    coordinator.deliver(logged(taken(coordinator, worker("c")), worker("c"), 0, {0: "much", 1: None}, TEXT))
    assert coordinator.tally == Tally(completed=1, failed=1)


SWEEP = """\
name: own
trial: {name: "tests.user_code.loops:logs_by_rate", metric: {name: val_loss, mode: min}}
train: {steps: 2}
axes: {lr: RATES}
"""


def test_runs_into_one_directory_lose_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    for rates, expected in (("[0.5]", 0), ("[0.5, 2.0, 0.05]", 1)):
        sweep = Sweep.from_text(SWEEP.replace("RATES", rates))
        prepared = prepare(sweep, store, Plan.of(sweep, store))
        assert len(run(prepared, make_executor("serial"), lambda *_: lambda _: None)) == expected
    assert sorted(store.read("mine")["value"].to_pylist()) == [0.0, 0.0, 0.5, 0.5]
    (error,) = store.read("failures")["error"].to_pylist()
    assert "its column value is string in this trial, and double in another" in error
    assert [problem for problem in verify(store) if "mine" in str(problem)] == []
