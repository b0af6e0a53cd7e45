"""A search that is stopped between two rounds says so, and one that is stopped as it ends has ended."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from bnsweep.results.writer import Writer
from tests.in_process import Run

TEXT = """
name: edges
model: {name: mlp, widths: [8]}
dataset: {name: digits}
train: {steps: 6, batch_size: 16}
axes:
  norm: [none, batch]
  lr: {logspace: [1.0e-3, 100, LRS]}
  seed: {range: 2}
search: {name: edges, first: 5}
"""


@pytest.fixture
def _interrupted_after_20_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C come with the commit of the last of the 20 trials of the first round."""
    commit, stored = Writer.commit, list[int]()

    def commit_and_interrupt(self: Writer, tables: Any) -> None:
        commit(self, tables)
        stored.append(len(tables["trials"]))
        if sum(stored) == 20:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Writer, "commit", commit_and_interrupt)


@pytest.mark.usefixtures("_interrupted_after_20_trials")
def test_a_search_interrupted_between_two_rounds_says_what_is_left(run: Run) -> None:
    Path("edges.yaml").write_text(TEXT.replace("LRS", "41"))
    stopped = run("run", "edges.yaml", "--executor", "serial", "--out", "out")
    assert stopped.code == 130
    assert re.search(r"interrupted: 2\d of 2\d trials have a result, [1-9] are left", stopped.out), stopped.out
    assert "not over yet" in stopped.out
    listed = run("ls", "out").out
    assert "; the same command continues" in listed
    assert "all done" not in listed
    assert "is not over" in run("verify", "out").out


@pytest.mark.usefixtures("_interrupted_after_20_trials")
def test_a_search_interrupted_as_it_ends_has_ended(run: Run) -> None:
    Path("edges.yaml").write_text(TEXT.replace("LRS", "5"))
    ended = run("run", "edges.yaml", "--executor", "serial", "--out", "out")
    assert "all 20 trials have a result" in ended.out
    assert "no problems" in run("verify", "out").out
    assert "all done" in run("ls", "out").out
