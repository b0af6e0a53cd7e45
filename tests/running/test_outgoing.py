"""What a worker keeps, and what it tells a coordinator that begins anew."""

from __future__ import annotations

import pytest

from bnsweep.running import outgoing
from bnsweep.running.coordinator.outbox import MIN_INTERVAL_S
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Receipt
from bnsweep.running.tally import Tally
from tests.running.commit_log import COMPLETED, Clock, CommitLog, worker
from tests.running.test_protocol import Light

A = worker("a")


class Successors:
    """A desk at which one coordinator takes another's place."""

    def __init__(self, num_trials: int) -> None:
        self.clock, self.log, self.num_trials = Clock(), CommitLog(), num_trials
        self.begin_anew()

    def begin_anew(self) -> None:
        self.coordinator = self.log.coordinator(self.clock, self.num_trials)
        self.coordinator._sizing.first = 2
        self.take, self.deliver, self.resume = (
            self.coordinator.take,
            self.coordinator.deliver,
            self.coordinator.resume,
        )

    def save_checkpoint(self, trial: int, content: bytes) -> None: ...

    def load_checkpoint(self, trial: int) -> bytes | None: ...

    def taken(self, side: Light) -> Pack:
        pack = self.take(A)
        assert isinstance(pack, Pack)
        side.begin(pack)
        return pack

    def commit(self) -> None:
        self.clock.now += MIN_INTERVAL_S
        batch = self.coordinator.next_batch()
        assert batch is not None
        self.log.add(batch)
        self.coordinator.committed()


def test_rows_are_kept_until_they_are_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Successors(2)
    side = Light(desk, A)
    desk.taken(side)
    side.end(0, COMPLETED)
    side.send()
    said = list[Delivery]()

    def deliver(delivery: Delivery) -> Receipt:
        said.append(delivery)
        return desk.coordinator.deliver(delivery)

    monkeypatch.setattr(desk, "deliver", deliver)
    side.hear()
    assert [delivery.number for delivery in side._kept] == [0]
    assert not said[0].tables, "rows go once, however long they wait for a commit"
    desk.commit()
    side.hear()
    assert side._kept == []


@pytest.mark.parametrize("heard", ["while it works", "with the next pack", "while it waits"])
def test_a_coordinator_that_begins_anew_is_told_all_that_is_not_committed(heard: str) -> None:
    desk = Successors(4)
    side = Light(desk, A)
    for _ in range(2 if heard == "while it waits" else 1):
        for trial in desk.taken(side).trials:
            side.end(trial, COMPLETED)
            side.send()
        side.send(is_last=True)
    if heard == "while it works":
        under_way = desk.taken(side)
    desk.begin_anew()
    if heard == "while it works":
        side.send()
        assert desk.take(A) == side._pack != under_way
        assert desk.take(A).trials == under_way.trials  # type: ignore[union-attr]
    elif heard == "with the next pack":
        desk.taken(side)
    else:
        side.hear()
    assert desk.coordinator.tally == Tally(completed=4 if heard == "while it waits" else 2)
    desk.commit()
    side.hear()
    assert side._kept == []
    assert set(desk.log.trials.values()) == {1}


def test_it_is_heard_of_as_often_as_the_coordinator_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(outgoing, "monotonic", lambda: now[0])
    desk = Successors(2)
    side = Light(desk, A)
    desk.taken(side)
    side.end(0, Ended(Ending.DIVERGED))
    side.send_if_due()
    assert desk.coordinator.tally == Tally()
    now[0] = 1.5
    side.send_if_due()
    assert desk.coordinator.tally == Tally(diverged=1)
    assert desk.coordinator.tally.busy_s == 1.5
