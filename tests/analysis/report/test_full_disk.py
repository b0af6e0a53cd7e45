"""A disk that is full while a page is written: one message, nothing half-written, and the older page stays."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.in_process import Run
from tests.synthetic import make_specs, write_sweep
from tests.waiting import HANGS_AFTER_S

IN_A_TABLE, IN_A_FIGURE = 500, 30_000
"""Sizes beyond which the first table or the first figure grows.

On a slow machine a command also says what it is at, in lines that end in dots.
"""


@contextmanager
def no_file_beyond(max_file_bytes: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, of this process and those started here: as on a full disk writes fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A directory that holds an older page."""
    directory = tmp_path / "pages" / "older"
    (directory / "figures").mkdir(parents=True)
    (directory / "index.html").write_text("the older page")
    (directory / "figures" / "one.csv").write_text("1")
    return directory


def content(directory: Path) -> dict[str, str]:
    """Return every file beside and in a directory."""
    parent = directory.parent
    return {str(path.relative_to(parent)): path.read_text() for path in parent.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("sweeps")
    for name, num_seeds in (("one", 1), ("two", 2)):
        write_sweep(root / name, make_specs(gains=[1.0], num_seeds=num_seeds, probes=False))
    return [root / "one", root / "two"]


@pytest.mark.parametrize(
    ("command", "max_file_bytes"),
    [("report", IN_A_TABLE), ("report", IN_A_FIGURE), ("compare", IN_A_FIGURE)],
)
def test_the_older_page_stays(sweeps: list[Path], older: Path, command: str, max_file_bytes: int, run: Run) -> None:
    before = content(older)
    directories = sweeps[:1] if command == "report" else sweeps
    with no_file_beyond(max_file_bytes):
        ended = run(command, *directories, "--out", older)
    assert ended.code == 1
    *under_way, complaint = ended.err.splitlines()
    assert complaint.startswith(f"bnsweep: {older} cannot be written (File too large)")
    assert all(line.endswith(" ...") for line in under_way)
    assert "kept" in complaint
    assert content(older) == before


def test_where_there_was_none_none_is_left(sweeps: list[Path], tmp_path: Path, run: Run) -> None:
    with no_file_beyond(IN_A_TABLE):
        ended = run("report", sweeps[0], "--out", tmp_path / "new" / "report")
    assert ended.code == 1
    assert "kept" not in ended.err
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.long
def test_watching_goes_on_and_says_so_once(sweeps: list[Path], older: Path) -> None:
    before = content(older)
    command = [sys.executable, "-m", "bnsweep", "report", sweeps[0], "--out", older, "--watch", "--every", "0.1"]
    with no_file_beyond(IN_A_TABLE):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "trying again" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    printed, complaints = process.communicate(timeout=HANGS_AFTER_S)
    assert process.returncode == 130
    assert all(line.endswith(" ...") for line in complaints.splitlines())
    assert "trying again" not in printed
    assert content(older) == before
