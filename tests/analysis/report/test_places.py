"""Commands run where a user runs them: beside an `analysis.py` of their own, and in directories of any name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import analysis
from analysis.comparison import compare
from analysis.report import write_report
from bnsweep.errors import InputError
from tests.in_process import Run
from tests.processes import bnsweep, complaints
from tests.synthetic import make_specs, write_sweep

BRACKETS = r"a[1] [bold] [red $\nothing$"
"""What patterns of file names, rich's markup and matplotlib's formulas would take for their own."""


@pytest.fixture(scope="module")
def beside_own_analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a script that nobody asked to run."""
    directory = tmp_path_factory.mktemp("own")
    (directory / "analysis.py").write_text("raise SystemExit('the user's own analysis.py was run')")
    return directory


@pytest.fixture(scope="module")
def bracketed(beside_own_analysis: Path, sweep_dir: Path) -> Path:
    """The sweep, in a directory with brackets in its name."""
    directory = beside_own_analysis / BRACKETS
    directory.symlink_to(sweep_dir)
    return directory


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("small") / BRACKETS
    write_sweep(directory, make_specs(gains=[1.0], num_seeds=1, probes=False), declare=False)
    return directory


@pytest.fixture(scope="module")
def page(beside_own_analysis: Path, bracketed: Path) -> Path:
    """The page that the command writes there, into a directory with brackets too."""
    result = bnsweep("report", bracketed.name, "--out", f"{BRACKETS} report", cwd=beside_own_analysis)
    page = beside_own_analysis / f"{BRACKETS} report" / "index.html"
    assert (result.returncode, result.stdout, complaints(result.stderr)) == (0, f"report: {page}\n", "")
    return page


def without_place(content: bytes) -> bytes:
    """Leave out where the sweep is, which the command that repeats a trial names."""
    return re.sub(rb'data-command="bnsweep repro [^"]*"', b"", content)


@pytest.mark.long
def test_the_same_data_give_the_same_bytes_in_another_process_and_place(page: Path, report: Path) -> None:
    first, second = (
        {str(path.relative_to(one.parent)): without_place(path.read_bytes()) for path in one.parent.rglob("*.*")}
        for one in (page, report)
    )
    assert first.keys() == second.keys()
    for name in first:
        assert first[name] == second[name], name


@pytest.mark.long
def test_sweeps_are_compared_beside_an_own_analysis(beside_own_analysis: Path, bracketed: Path, small: Path) -> None:
    result = bnsweep("compare", bracketed.name, small, "--out", "[comparison]", cwd=beside_own_analysis)
    assert (result.returncode, complaints(result.stderr)) == (0, "")
    assert BRACKETS in result.stdout
    assert BRACKETS in (beside_own_analysis / "[comparison]" / "index.html").read_text(encoding="utf-8")


@pytest.mark.long
def test_a_complete_sweep_is_watched_once_beside_an_own_analysis(beside_own_analysis: Path, small: Path) -> None:
    result = bnsweep("report", small, "--watch", "--out", "[watched]", cwd=beside_own_analysis)
    page = beside_own_analysis / "[watched]" / "index.html"
    assert (result.returncode, complaints(result.stderr)) == (0, "")
    assert result.stdout == f"report: {page} (15 of 15 trials done)\n"


@pytest.mark.long
def test_the_gallery_runs_beside_an_own_analysis(beside_own_analysis: Path, bracketed: Path) -> None:
    root = str(Path(analysis.__file__).parents[1])
    command = [sys.executable, "-P", "-W", "error", "-m", "analysis.gallery.heatmap", bracketed.name, "[out].png"]
    result = subprocess.run(
        command,
        cwd=beside_own_analysis,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "batch" in result.stdout
    assert (beside_own_analysis / "[out].png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def not_utf8(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """A directory with a sweep, and a name in Latin-1."""
    directory = tmp_path_factory.mktemp("places") / os.fsdecode("café".encode("latin-1"))
    shutil.copytree(small, directory)
    return directory


def test_a_sweep_in_a_directory_that_is_not_utf8_is_refused(not_utf8: Path, small: Path) -> None:
    for use in (analysis.load, write_report, lambda directory: compare([small, directory])):
        with pytest.raises(InputError, match="UTF-8"):
            use(not_utf8)


@pytest.mark.parametrize("arguments", [("report",), ("report", "--watch"), ("compare", ".")])
def test_the_command_says_so_in_one_message(
    not_utf8: Path, small: Path, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(small)
    result = run(*arguments, os.fspath(not_utf8))
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert r"caf\udce9" in result.err
    assert "UTF-8" in result.err


@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_page_is_not_written_to_one(command: str, small: Path, sweep_dir: Path, tmp_path: Path, run: Run) -> None:
    directories = [small] if command == "report" else [small, sweep_dir]
    result = run(command, *directories, "--out", tmp_path / os.fsdecode("café".encode("latin-1")))
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert "UTF-8" in result.err
    assert "--out" in result.err
    assert list(tmp_path.iterdir()) == []
