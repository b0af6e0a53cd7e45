"""What asks a run to stop before its end: the user, or the time that it was given."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bnsweep.results import Store
from bnsweep.running.interruption import Interrupt, as_keyboard_interrupt
from bnsweep.running.progress_file import RunState, read_progress
from tests.processes import bnsweep


def test_the_time_is_up_once_it_has_passed_and_is_announced_once() -> None:
    now, said = [100.0], list[str]()
    interrupt = Interrupt(3600, clock=lambda: now[0])
    with interrupt.caught(lambda: said.append("up" if interrupt.is_out_of_time else "asked")):
        assert not interrupt()
        now[0] += 3600
        assert (interrupt(), interrupt(), interrupt.is_out_of_time) == (True, True, True)
    assert said == ["up"]


def test_a_signal_after_the_time_is_up_is_the_first_request() -> None:
    interrupt = Interrupt(0.0)
    with interrupt.caught(lambda: None):
        assert interrupt()
        os.kill(os.getpid(), signal.SIGINT)
        assert (interrupt(), interrupt.is_out_of_time) == (True, False)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_without_a_limit_the_time_is_never_up() -> None:
    interrupt = Interrupt(clock=lambda: 1e300)
    assert (interrupt(), interrupt.is_out_of_time) == (False, False)


def exit_as_ray_does() -> None:
    sys.exit(signal.SIGTERM)


@pytest.mark.parametrize("interrupted", [partial(signal.raise_signal, signal.SIGINT), exit_as_ray_does])
def test_an_end_in_code_whose_errors_python_ignores_is_raised_again(interrupted: Callable[[], None]) -> None:
    class IsInterrupted:
        def __del__(self) -> None:
            interrupted()

    def is_interrupted() -> None:
        with as_keyboard_interrupt():
            IsInterrupted()
            threading.Event().wait(60)

    before = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt):
        is_interrupted()
    assert sys.unraisablehook is before


def test_other_errors_that_are_ignored_are_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails:
        def __del__(self) -> None:
            raise ZeroDivisionError

    told = list[type[BaseException]]()
    monkeypatch.setattr(sys, "unraisablehook", lambda ignored: told.append(ignored.exc_type))
    with as_keyboard_interrupt():
        Fails()
    assert told == [ZeroDivisionError]


@pytest.mark.long
def test_a_run_ends_in_good_order_when_its_time_is_up_and_continues(
    sweep_file: Callable[..., Path], tmp_path: Path
) -> None:
    many = sweep_file(("steps: 6", "steps: 20"), ("{range: 2}", "{range: 4000}"))
    run = ("run", many, "--executor", "serial", "--out", tmp_path / "out", "--max-hours")
    ended = bnsweep(*run, 0.003)
    store = Store.open(tmp_path / "out")
    done = len(store.finished())
    assert ended.returncode == 130, ended.stderr
    assert "time is up (--max-hours 0.003); finished trials are being committed" in ended.stdout
    assert f"time is up (--max-hours 0.003): {done} of 24000 trials have a result" in ended.stdout
    assert ended.stdout.endswith("are left; the same command continues\n")
    progress = read_progress(store.files)
    assert progress is not None
    assert (progress.state, progress.num_with_result) == (RunState.OUT_OF_TIME, done)
    assert re.search(rf"{done} of 24000 trials done", bnsweep(*run, 0).stdout)
