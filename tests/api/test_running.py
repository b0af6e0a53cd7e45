"""`bnsweep.run`: the command's run, called from scripts and notebooks."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import bnsweep
from bnsweep.errors import InputError
from bnsweep.results import Store
from tests.in_process import Run
from tests.waiting import HANGS_AFTER_S, wait_until

Write = Callable[..., Path]
SCRIPT = """
import bnsweep
try:
    bnsweep.run("tiny.yaml", "out", executor="serial")
except KeyboardInterrupt:
    print("raised")
"""


def test_the_command_finds_nothing_left_to_do_and_the_other_way_round(
    sweep_file: Write, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sweep_file(("range: 2", "range: 1"))
    outcome = bnsweep.run(path, executor="serial")
    said = capsys.readouterr().out
    assert "tiny: 0 of 6 trials done, 6 to run" in said
    assert (outcome.num_trials, outcome.num_done, outcome.is_stopped) == (6, 6, False)
    assert len(outcome.load(norms=["batch"]).trials) == 2
    assert "6 of 6 trials done, 0 to run" in run("run", path).out
    assert bnsweep.run(path).num_done == 6
    assert Path(outcome.directory) == Path("results/tiny").resolve()


def test_a_mapping_declares_the_trials_that_its_file_does(sweep_file: Write, tmp_path: Path) -> None:
    given = {
        "name": "tiny",
        "model": {"name": "mlp", "widths": (8,)},
        "dataset": {"name": "digits"},
        "train": {"steps": 6, "batch_size": 32, "eval_every": 3},
        "axes": {"norm": ["none", "batch", "noisy_batch"], "lr": [0.1, 1e9], "seed": range(2)},
        "probes": {"landscape": {"every": 3}, "ics": {"every": 3}, "moments": {"every": 3}},
    }
    declared = bnsweep.Sweep.from_dict(given)
    assert declared.trials.keys.tolist() == bnsweep.Sweep.from_yaml(sweep_file()).trials.keys.tolist()
    with pytest.raises(InputError, match=r"^axes\.lr: given <.*object.*; it should be a number"):
        bnsweep.Sweep.from_dict({**given, "axes": {"lr": object()}})


def test_failed_trials_are_left_and_their_errors_are_said(
    sweep_file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raising = '"tests.user_code.probes:returning": {every: 3, what: an error}'
    broken = sweep_file(("ics: {every: 3}", raising), ("{range: 2}", "[0]"), ("[0.1, 1.0e+9]", "[0.1]"))
    outcome = bnsweep.run(broken, tmp_path / "out", executor="serial")
    assert (len(outcome.left), outcome.num_trials, outcome.num_done, outcome.is_stopped) == (3, 3, 0, False)
    said = capsys.readouterr().out
    assert "3 trials failed; the same command tries them again" in said
    assert "3 trials: ZeroDivisionError" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "seriel"}, "--executor: given 'seriel'; .*did you mean 'serial'"),
        ({"workers": 0}, "^workers: given 0; it should be greater than or equal to 1"),
        ({"workers": 2, "executor": "serial"}, "--workers 2: goes with --executor ray"),
        ({"max_hours": -1.0}, "^max_hours: given -1.0; it should be greater than or equal to 0"),
        ({"checkpoint_minutes": float("nan")}, "^checkpoint_minutes: given nan"),
    ],
)
def test_bad_options_are_value_errors(sweep_file: Write, tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bnsweep.run(sweep_file(), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_thread_is_refused(sweep_file: Write, tmp_path: Path) -> None:
    refused = list[InputError]()

    def run_in_thread() -> None:
        try:
            bnsweep.run(sweep_file(), tmp_path / "out")
        except InputError as error:
            refused.append(error)

    thread = threading.Thread(target=run_in_thread)
    thread.start()
    thread.join()
    assert str(refused[0]).startswith("run: called in a thread")


def test_time_that_is_up_is_no_error(sweep_file: Write, tmp_path: Path) -> None:
    outcome = bnsweep.run(sweep_file(), tmp_path / "out", executor="serial", max_hours=0)
    assert (outcome.is_stopped, outcome.is_out_of_time, outcome.num_done < 12) == (True, True, True)


@pytest.mark.long
def test_an_interrupt_commits_and_is_raised(sweep_file: Write, tmp_path: Path) -> None:
    sweep_file(("steps: 6", "steps: 60"), ("range: 2", "range: 8"), ("1.0e+9", "0.2"))
    (tmp_path / "study.py").write_text(SCRIPT)
    process = subprocess.Popen([sys.executable, "study.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    commits = tmp_path / "out" / "trials"
    wait_until(lambda: process.poll() is not None or len(list(commits.glob("*.parquet"))) >= 2, "a commit")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    done = len(Store.open(tmp_path / "out").finished())
    assert 0 < done < 48
    assert f"interrupted: {done} of 48 trials have a result, {48 - done} are left; the same command" in said
    assert said.endswith("raised\n")


@pytest.mark.long
@pytest.mark.parametrize("option", ["executor='serial'", "workers=1"])
def test_in_a_notebook_it_is_one_bar_that_ends_full(sweep_file: Write, tmp_path: Path, option: str) -> None:
    sweep_file()
    cell = f"import bnsweep\noutcome = bnsweep.run('tiny.yaml', {option})\nlen(outcome.load().trials)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    NotebookClient(notebook, timeout=int(HANGS_AFTER_S), resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = notebook.cells[0].outputs
    (bar,) = [output.data for output in outputs if output.output_type == "display_data"]
    assert bar["text/html"].startswith('<progress max="12" value="12"')
    assert re.match(r"12/12 trials: 6 done, 6 diverged, 0 failed, 0 running; elapsed", bar["text/plain"])
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "tiny: 0 of 12 trials done, 12 to run" in printed
    assert "12/12 trials" not in printed
    assert "\x1b[" not in printed
    assert outputs[-1].data["text/plain"] == "12"
