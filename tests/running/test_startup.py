"""Start-up: when the executor starts and ends, whatever goes wrong beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest

from bnsweep.errors import InputError
from bnsweep.executors.serial import SerialExecutor
from bnsweep.results import Store
from bnsweep.running.plan import Plan
from bnsweep.running.run import run
from bnsweep.running.startup import started
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY


class Watched(SerialExecutor):
    """Runs here, and keeps what was asked of it."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails, self.seen = fails, list[str]()

    def __enter__(self) -> Self:
        self.seen.append("start")
        if self.fails:
            raise InputError("no cluster")
        return self

    def __exit__(self, *exception: object) -> None:
        self.seen.append("end")


def start(sweep: Sweep, store: Store, executor: SerialExecutor) -> list[str]:
    with started(sweep, store, Plan.of(sweep, store), executor) as prepared:
        return run(prepared, executor, lambda *_: lambda _: None)


def test_where_nothing_is_missing_the_executor_does_not_start(tmp_path: Path) -> None:
    sweep, store, executor = Sweep.from_text(TINY), Store.open(tmp_path / "out"), Watched()
    assert start(sweep, store, executor) == []
    assert start(sweep, store, executor) == []
    assert executor.seen == ["start", "end"]


def test_an_executor_that_started_ends_where_the_run_cannot_be_prepared(tmp_path: Path) -> None:
    executor = Watched()
    too_large = Sweep.from_text(TINY.replace("batch_size: 32", "batch_size: 1438"))
    with pytest.raises(InputError, match="batch_size: given 1438"):
        start(too_large, Store.open(tmp_path / "out"), executor)
    assert executor.seen == ["start", "end"]
    assert not (tmp_path / "out").exists()


def test_an_executor_that_cannot_start_is_what_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cluster"):
        start(Sweep.from_text(TINY), Store.open(tmp_path / "out"), Watched(fails=True))
    assert not (tmp_path / "out").exists()
