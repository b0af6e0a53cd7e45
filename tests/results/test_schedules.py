"""Whatever the order of events: nothing that was committed is lost, there twice, or deleted."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from benchmarks.store_schedules.actors import Bucket
from benchmarks.store_schedules.schedule import SMALL, Schedule
from bnsweep.results import SCHEMAS


@pytest.fixture(autouse=True)
def small_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write files of one column, so that a schedule takes milliseconds."""
    monkeypatch.setitem(SCHEMAS, "trials", SMALL)


@pytest.mark.parametrize("seeds", [range(16), pytest.param(range(16, 150), marks=pytest.mark.long)], ids=str)
@pytest.mark.parametrize("has_merges", [True, False])
def test_no_order_of_events_harms_what_is_committed(has_merges: bool, seeds: range) -> None:
    for seed in seeds:
        Schedule(seed, has_merges).run()


@pytest.mark.parametrize("seeds", [range(20), pytest.param(range(20, 200), marks=pytest.mark.long)], ids=str)
def test_nor_on_a_disk(seeds: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # ten times as fast; no power is cut here
    for seed in seeds:
        Schedule(seed, has_merges=seed % 3 > 0, place=str(tmp_path / str(seed))).run()


@pytest.mark.parametrize("place", ["bucket", "disk"])
@pytest.mark.parametrize("others", [["write", "compact"], ["compact", "write"]], ids="-".join)
@pytest.mark.parametrize("victim", ["write", "compact", "read"])
def test_who_is_woken_after_another_run_harms_nothing(
    victim: str, others: list[str], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before each fourth of its requests, on a disk each eighth, also among commits that are there already."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    step = 4 if place == "bucket" else 8
    for number in itertools.count(start=len(victim) % step, step=step):
        schedule = Schedule(number, place=str(tmp_path / str(number)) if place == "disk" else Bucket())
        schedule.write_some()
        if not schedule.run_paused(victim, number, others):
            assert number >= 10
            return


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_start_that_is_paused_takes_no_number_that_a_merge_has_freed(number: int) -> None:
    """It has listed while another run was under way, and creates its number after that run was merged."""
    for steps in range(8, 40, 2):
        schedule = Schedule(steps)
        schedule.run_paused_among(number, steps)
