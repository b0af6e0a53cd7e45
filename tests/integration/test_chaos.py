"""Kill everything at any moment: nothing is lost, nothing is there twice, and every bit is as if undisturbed."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import chaos
from benchmarks.chaos import VICTIMS, exit_code, kill_often
from tests.waiting import wait_until


@pytest.mark.long
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Each kind once; `benchmarks.chaos` does so for an hour."""
    toll = kill_often(tmp_path, [*VICTIMS], random.Random(0))
    assert (+toll.kills).keys() == VICTIMS.keys()
    assert (toll.lost, toll.doubled, toll.differing) == (0, 0, [])


def test_a_run_that_hangs_is_killed_and_says_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "out.log"
    code = "import threading; print('the last line', flush=True); threading.Event().wait()"
    with said.open("wb") as output, subprocess.Popen([sys.executable, "-c", code], stdout=output) as process:
        wait_until(lambda: "the last line" in said.read_text(), "its last line")
        monkeypatch.setattr(chaos, "HUNG_AFTER_S", 0.1)
        with pytest.raises(TimeoutError, match=r"hangs for 0.1 s:\nthe last line\n(.|\n)*threading.py"):
            exit_code(process, said)
    assert process.returncode == -9
