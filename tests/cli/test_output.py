"""Output that nobody reads, or that cannot be written; names that are markup to a terminal, or no text at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bnsweep.results import Store
from tests.in_process import Run
from tests.processes import bnsweep

FULL = "/dev/full"
Write = Callable[..., Path]


def printing_to(target: int, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command whose standard output is an open file."""
    command = [sys.executable, "-m", "bnsweep", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        command, stdout=target, stderr=subprocess.PIPE, text=True, cwd=cwd, check=False, env=environment
    )


@pytest.fixture
def closed_pipe() -> int:
    """The end of a pipe that is written to, where nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.fixture
def full_device() -> int:
    return os.open(FULL, os.O_WRONLY)


COMMANDS = [("--help",), ("plan", "tiny.yaml", "--no-timing")]


@pytest.mark.parametrize("command", COMMANDS, ids=[command[0] for command in COMMANDS])
def test_a_closed_pipe_ends_a_command_without_a_word(
    sweep_file: Write, tmp_path: Path, closed_pipe: int, command: tuple[str, ...]
) -> None:
    sweep_file()
    result = printing_to(closed_pipe, *command, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "")


@pytest.mark.parametrize("command", COMMANDS, ids=[command[0] for command in COMMANDS])
def test_a_full_device_ends_a_command_with_one_message(
    sweep_file: Write, tmp_path: Path, full_device: int, command: tuple[str, ...]
) -> None:
    sweep_file()
    result = printing_to(full_device, *command, cwd=tmp_path)
    assert result.returncode == 1
    assert os.strerror(errno.ENOSPC) in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("target", "messages"), [("closed_pipe", 0), pytest.param("full_device", 1, marks=pytest.mark.long)]
)
def test_a_run_that_nobody_can_read_stores_all_trials(
    sweep_file: Write, tmp_path: Path, request: pytest.FixtureRequest, target: str, messages: int
) -> None:
    sweep_file()
    output = request.getfixturevalue(target)
    result = printing_to(output, "run", "tiny.yaml", "--executor", "serial", "--out", "out", cwd=tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (0, messages), result.stderr
    assert len(Store.open(tmp_path / "out").finished()) == 12


@pytest.mark.long
def test_a_run_without_an_output_stores_all_trials(sweep_file: Write, tmp_path: Path) -> None:
    sweep_file()
    within = ("sh", "-c", 'exec "$@" >&-', "sh")
    result = bnsweep("run", "tiny.yaml", "--executor", "serial", "--out", "out", cwd=tmp_path, within=within)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(Store.open(tmp_path / "out").finished()) == 12


def test_brackets_in_a_path_are_printed_as_they_are(run: Run, sweep_file: Write) -> None:
    sweep_file(("[0.1, 1.0e+9]", "[0.1]"), ("{range: 2}", "[0]"), ("[none, batch, noisy_batch]", "[none]"))
    result = run("run", "tiny.yaml", "--executor", "serial", "--out", "[red]a[/x]*?")
    assert (result.code, result.err) == (0, "")
    assert result.out.rstrip().endswith("/[red]a[/x]*?")
    assert "[red]a[/x]*?" in run("verify", "[red]a[/x]*?").out
    assert "1 done" in run("plan", "tiny.yaml", "--out", "[red]a[/x]*?", "--no-timing").out


@pytest.mark.parametrize(
    "command",
    [
        ("plan", "tiny.yaml", "--out", "b\udcff"),
        ("run", "tiny.yaml", "--executor", "serial", "--out", "b\udcff"),
        ("verify", "b\udcff"),
        ("report", "b\udcff"),
        ("compact", "b\udcff"),
        ("plan", "b\udcff.yaml"),
    ],
    ids=lambda command: " ".join(command).encode(errors="replace").decode(),
)
def test_a_name_that_is_not_utf_8_is_refused(
    run: Run, sweep_file: Write, tmp_path: Path, command: tuple[str, ...]
) -> None:
    sweep_file()
    result = run(*command)
    assert result.code == 2
    assert "b\\udcff" in result.err
    assert result.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["tiny.yaml"]


def test_a_command_run_from_a_folder_that_is_not_utf_8_is_refused(run: Run, sweep_file: Write, tmp_path: Path) -> None:
    sweep_file()
    folder = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(folder)
    os.chdir(folder)
    result = run("plan", "../tiny.yaml")
    assert (result.code, "UTF-8" in result.err) == (2, True)
