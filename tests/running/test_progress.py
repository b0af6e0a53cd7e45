"""What the progress view says."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import count, pairwise

import pytest
from rich.console import Console

from bnsweep.executors import Tally
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.coordinator.news import News
from bnsweep.running.progress import LINE_EVERY_S, Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every look at the clock find it one second later."""
    seconds = count()
    monkeypatch.setattr("bnsweep.running.progress.monotonic", lambda: float(next(seconds)))
    return iter(())


def status(tally: Tally, *, num_trials: int = 0, coordinator: str = "first", **working: int) -> RunStatus:
    return RunStatus(coordinator, num_trials, tally, working, 0, 0, False)


def test_elsewhere_it_prints_a_line_every_few_seconds_and_a_last_one(clock: None) -> None:
    output = io.StringIO()
    with Progress(Console(file=output, width=200)) as progress:
        progress.start(num_trials=33, num_workers=2)
        for ended in range(1, 31):
            progress(status(Tally(completed=ended), here=2))
        progress(status(Tally(completed=31, diverged=1, failed=1)))
    lines = output.getvalue().splitlines()
    assert lines[0].startswith("1/33 trials: 1 done, 0 diverged, 0 failed, 2 running; elapsed 0:00:0")
    assert lines[-1].startswith("33/33 trials: 31 done, 1 diverged, 1 failed, 0 running; elapsed ")
    assert lines[-1].endswith("ETA 0:00:00")
    assert len(lines) > 5
    elapsed = re.findall(r"elapsed 0:(\d\d):(\d\d)", output.getvalue())
    times = [int(minutes) * 60 + int(seconds) for minutes, seconds in elapsed]
    assert all(LINE_EVERY_S <= later - time < 2 * LINE_EVERY_S for time, later in pairwise(times[:-1]))


def test_trials_at_a_rung_are_counted_and_the_time_is_to_the_end_of_their_wait(clock: None) -> None:
    output = io.StringIO()
    with Progress(Console(file=output, width=200)) as progress:
        progress.start(num_trials=40, num_workers=2)
        for at_rung in range(0, 30, 2):
            progress(status(Tally(diverged=1), here=2)._replace(num_at_rung=at_rung))
        soon = progress.eta_s()
        line = progress.line()
    assert line.startswith("1/40 trials: 0 done, 1 diverged, 0 failed, 28 at a rung, 2 running; elapsed 0:00:")
    assert line.endswith(" of this rung")
    assert soon is not None
    printed = output.getvalue().splitlines()
    assert len(printed) > 3
    assert " at a rung" in printed[-1]
    assert soon < 30  # 30 of 40 are there after some 35 s


def test_on_a_terminal_it_is_a_live_view() -> None:
    output = io.StringIO()
    with Progress(Console(file=output, width=120, force_terminal=True)) as progress:
        progress.start(num_trials=4, num_workers=2)
        progress(status(Tally(completed=2, diverged=1), here=1))
    text = output.getvalue()
    for word in ("done", "diverged", "failed", "running", "elapsed", "ETA", "\x1b["):
        assert word in text


def test_workers_that_work_are_counted_by_host() -> None:
    output = io.StringIO()
    with Progress(Console(file=output, width=200)) as progress:
        progress.start(num_trials=33, num_workers=100)
        progress(status(Tally(completed=1), near=3, far=1))
    assert "4 running on 2 hosts;" in output.getvalue()
    assert progress.snapshot().working == {"near": 3, "far": 1}
    live = io.StringIO()
    Console(file=live, width=200).print(progress)
    assert "far 1   near 3" in live.getvalue()


def test_a_live_view_says_what_runs_where_what_ended_last_and_how_much_of_the_answer_there_is() -> None:
    news = News(
        (("near", "batch, lr 0.1, gain 1, seed 3"), ("far", "none, lr 10, gain 1, seed 0")),
        ("batch, lr 0.1, gain 1, seed 2: accuracy 0.98",),
        "l1, lr 3, gain 1, seed 0: ValueError: [bold]no",
    )
    progress = Progress(Console(file=io.StringIO()), answer=lambda: "2 of 9 statements are resolved")
    progress(status(Tally(completed=1), near=1, far=1)._replace(news=news))
    live = io.StringIO()
    Console(file=live, width=60).print(progress)
    assert live.getvalue().splitlines()[-5:] == [
        "now     near: batch, lr 0.1, gain 1, seed 3",
        "now     far: none, lr 10, gain 1, seed 0",
        "done    batch, lr 0.1, gain 1, seed 2: accuracy 0.98",
        "failed  l1, lr 3, gain 1, seed 0: ValueError: [bold]no",
        "answer  2 of 9 statements are resolved",
    ]


def test_what_a_coordinator_did_that_died_counts_as_far_as_its_successor_found_it() -> None:
    progress = Progress(Console(file=io.StringIO())).start(num_trials=10, num_workers=1)
    progress(status(Tally(completed=4, diverged=1, failed=1), num_trials=10))
    progress(status(Tally(completed=1), num_trials=5, coordinator="second"))
    assert progress.tally == Tally(completed=5, diverged=1), "what failed is tried again"
    progress(status(Tally(completed=2), num_trials=4, coordinator="third"))
    assert progress.tally == Tally(completed=7, diverged=1)
    progress(status(Tally(completed=3, failed=1), num_trials=4, coordinator="third"))
    assert progress.tally == Tally(completed=8, diverged=1, failed=1)


def test_no_count_is_negative_where_a_successor_found_little() -> None:
    progress = Progress(Console(file=io.StringIO())).start(num_trials=10, num_workers=1)
    progress(status(Tally(completed=1, diverged=2, failed=2), num_trials=10))
    progress(status(Tally(), num_trials=9, coordinator="second"))
    assert progress.tally == Tally(diverged=1)


def test_the_eta_is_the_rate_since_training_began_with_running_trials_half_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    progress = Progress(Console(file=io.StringIO()))
    monkeypatch.setattr("bnsweep.running.progress.monotonic", lambda: 100.0)
    progress.start(num_trials=10, num_workers=2)
    assert progress.eta_s() is None
    monkeypatch.setattr("bnsweep.running.progress.monotonic", lambda: 120.0)  # the workers took long to start
    progress(status(Tally(completed=1, busy_s=2.0), here=2))
    monkeypatch.setattr("bnsweep.running.progress.monotonic", lambda: 128.0)
    progress(status(Tally(completed=4), here=2))
    assert progress.eta_s() == pytest.approx(10.0)
    progress(status(Tally(completed=10)))
    assert progress.eta_s() == 0


def test_idle_is_what_workers_did_not_spend_on_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress(Console(file=io.StringIO()))
    monkeypatch.setattr("bnsweep.running.progress.monotonic", lambda: 100.0)
    progress.start(num_trials=3, num_workers=2)
    monkeypatch.setattr("bnsweep.running.progress.monotonic", lambda: 110.0)
    progress(status(Tally(completed=3, busy_s=15.0)))
    assert progress.idle_share() == pytest.approx(0.25)
