"""Which end of a worker's log is kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bnsweep.running.worker_log import MAX_TAIL_BYTES, WorkerLog


def test_what_was_written_and_printed_since_the_mark_is_kept(tmp_path: Path) -> None:
    errors, printed = tmp_path / "worker-1.err", tmp_path / "worker-1.out"
    log = WorkerLog(str(errors))
    errors.write_text("of another trial\n")
    log.mark()
    with errors.open("a") as file:
        file.write("a warning\n")
    printed.write_text("loss 3\n")
    assert log.tail() == "a warning\nloss 3\n"


def test_of_a_long_log_the_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff" + b"x" * MAX_TAIL_BYTES + b"end")
    assert WorkerLog(str(path)).tail() == "x" * (MAX_TAIL_BYTES - 3) + "end"


def test_a_log_that_is_cut_meanwhile_or_gone_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "worker.err"
    path.write_text("long enough")
    log = WorkerLog(str(path))
    log.mark()
    path.write_text("cut")
    assert log.tail() == ""
    path.unlink()
    assert log.tail() is None
    assert WorkerLog(None).tail() is None


def test_the_end_of_a_log_is_read_where_standard_output_was_never_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.log").write_text("an error")
    monkeypatch.setattr(sys, "stdout", None)
    assert WorkerLog(str(tmp_path / "a.log")).tail() == "an error"
