"""What a run is at, in words: through a coordinator, with the rows that workers deliver."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from bnsweep.results import SCHEMAS
from bnsweep.running.coordinator.news import MAX_LATEST, MAX_UNDER_WAY, News, Newsroom
from bnsweep.running.packs import Delivery, Pack
from tests.running.by_hand import A, B, packs_of, started, taken
from tests.running.commit_log import COMPLETED, SPECS, Clock, delivery, worker

POINT = {"norm": "batch", "init_gain": 1.0, "seed": 0}


def rows(table: str, *given: dict[str, Any]) -> dict[str, pa.Table]:
    return {table: pa.Table.from_pylist(list(given), schema=SCHEMAS[table])}


def test_what_each_worker_trains_is_the_first_of_what_its_pack_has_left(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 6, num_workers=2), 3)
    first, second = taken(coordinator, A), taken(coordinator, B)
    assert [host for host, _ in coordinator.status().news.under_way] == [A.host, B.host]
    coordinator.deliver(delivery(A, first, 0, {first.trials[0]: COMPLETED}))
    (_, now), (_, other) = coordinator.status().news.under_way
    for text, trial in ((now, first.trials[1]), (other, second.trials[0])):
        spec = SPECS[trial]
        assert text == f"{spec.norm}, lr {spec.lr:g}, gain {spec.init_gain:g}, seed {spec.seed}"


def test_of_many_workers_some_are_told(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 30, num_workers=30), 1)
    packs = [coordinator.take(worker(str(k))) for k in range(20)]
    assert all(isinstance(pack, Pack) for pack in packs)
    assert len(coordinator.status().news.under_way) == MAX_UNDER_WAY


def test_the_latest_results_come_first_over_deliveries() -> None:
    room = Newsroom()
    for lr in (0.1, 0.2, 0.3):
        room.take_in(rows("trials", POINT | {"lr": lr, "status": "completed", "test_acc": lr}))
    lost = POINT | {"lr": 9.0, "status": "diverged", "stop_step": 3}
    own = POINT | {"lr": 0.5, "status": "completed", "metric": 12.0, "metric_name": "reward"}
    room.take_in(rows("trials", lost, own))
    assert room.news([], []).latest == (
        "batch, lr 0.5, gain 1, seed 0: reward 12",
        "batch, lr 9, gain 1, seed 0: diverged at step 3",
        "batch, lr 0.3, gain 1, seed 0: accuracy 0.3",
    )
    assert len(room.news([], []).latest) == MAX_LATEST


def test_the_last_failure_is_one_line_that_a_terminal_can_be_given() -> None:
    room = Newsroom()
    spec = json.dumps(POINT | {"lr": 3.0})
    room.take_in(
        rows("failures", {"spec": spec, "error": "ValueError: no"}, {"spec": spec, "error": "E: \x1b[31mred\nx"})
    )
    assert room.news([], []).last_failure == r"batch, lr 3, gain 1, seed 0: E: \x1b[31mred"


def test_before_anything_has_ended_there_is_nothing_to_say() -> None:
    room = Newsroom()
    room.take_in(Delivery(A, 0, "", 0).tables)
    assert room.news([], []) == News()
