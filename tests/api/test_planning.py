"""`bnsweep.plan`: the words of the command, and nothing of the caller's script run twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bnsweep
from tests.conftest import TINY
from tests.in_process import Run

SCRIPT = """
import bnsweep
print("begun")
planned = bnsweep.plan("tiny.yaml")
print(planned)
assert planned.price.num_trials == 12
"""


def test_it_says_what_the_command_prints_and_writes_nothing(sweep_file: Callable[..., Path], run: Run) -> None:
    path = sweep_file()
    printed = run("plan", path, "--no-timing").out
    said = list[str]()
    planned = bnsweep.plan(path, timing=False, say=said.append)
    assert repr(planned) == "\n".join(said) == printed.rstrip()
    assert (planned.num_trials, planned.num_done, planned.price) == (12, 0, None)
    assert [spec.lr for spec in planned.missing][:2] == [spec.lr for spec in bnsweep.Sweep.from_text(TINY).trials][:2]
    assert os.listdir() == ["tiny.yaml"]


@pytest.mark.long
def test_a_script_without_a_guard_is_not_run_again_where_trials_are_timed(
    sweep_file: Callable[..., Path], tmp_path: Path
) -> None:
    sweep_file()
    (tmp_path / "study.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "study.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begun") == 1
    assert "a trial that does not diverge takes" in done.stdout


def test_bad_input_is_a_value_error_in_the_words_of_the_command(sweep_file: Callable[..., Path], run: Run) -> None:
    path = sweep_file(("[none, batch, noisy_batch]", "[nome]"))
    with pytest.raises(ValueError, match="did you mean 'none'") as refused:
        bnsweep.plan(path)
    assert run("plan", path).err == f"bnsweep: {refused.value}\n"
    with pytest.raises(ValueError, match="--no-timing: goes without"):
        bnsweep.plan(TINY_DICT, timing=False, price=2.0)


TINY_DICT = {"name": "tiny", "model": {"name": "mlp", "widths": [8]}, "dataset": {"name": "digits"}}
