"""A stop that a worker does not come to: who waits for it is told, and not for ever."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from bnsweep.executors.ray_tune_stopping import END_AFTER_S, SAY_AFTER_S, Stopping
from bnsweep.results import Store
from bnsweep.running.packs import Pack, Whereabouts
from bnsweep.running.run import opened
from bnsweep.running.service import Service
from tests.running.commit_log import SPECS, Clock
from tests.running.jobs import job_of
from tests.waiting import wait_until

A = Whereabouts("a", host="near")


def test_who_is_waited_for_is_said_and_given_up_at_the_deadline(tmp_path: Path) -> None:
    clock, said, store = Clock(), list[str](), Store.open(tmp_path / "out")
    must_stop = False
    with closing(Service(job_of(SPECS[:1], store))) as service:
        stopping = Stopping(service, lambda: must_stop, said.append, clock)

        def look_at(now_s: float) -> None:
            clock.now = now_s
            stopping.look(service.status().run)

        opened(service)
        assert isinstance(service.take(A), Pack)
        look_at(1000.0)
        must_stop = True
        for now_s in (2000.0, 2000.0 + SAY_AFTER_S, 2000.1 + SAY_AFTER_S, 2000.0 + END_AFTER_S):
            look_at(now_s)
            assert not service.status().run.is_over  # type: ignore[union-attr]  # it was opened
            assert len(said) == (now_s > 2000.0 + SAY_AFTER_S)
        assert "(1 on near)" in said[0]
        look_at(2000.1 + END_AFTER_S)
        wait_until(lambda: (run := service.status().run) and run.is_over, "the run to be over")
        assert service.take(Whereabouts("b")) is None
        assert service.missing() == [SPECS[0].trial_key]
    assert store.finished() == set()


def test_a_run_without_a_worker_at_work_waits_for_none(tmp_path: Path) -> None:
    clock, said = Clock(), list[str]()
    with closing(Service(job_of(SPECS[:1], Store.open(tmp_path / "out")))) as service:
        stopping = Stopping(service, lambda: True, said.append, clock)
        opened(service)
        for clock.now in (0.0, 1000.0):
            stopping.look(service.status().run)
        wait_until(lambda: (run := service.status().run) and run.is_over, "the run to be over")
    assert said == []
