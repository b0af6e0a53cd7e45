"""Tests that need a missing program are left out and named, but in CI they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import PROGRAMS, Program

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.needs("chromium")
def test_in_a_browser():
    assert False

def test_anywhere():
    pass
"""


def run_tests(folder: Path, text: str, path: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a pytest of their own that finds programs in `path`."""
    (folder / "test_it.py").write_text(text)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PATH": path, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.programs", "-p", "no:cacheprovider", "test_it.py"],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_its_program_a_test_is_left_out_and_how_to_get_it_is_said(tmp_path: Path) -> None:
    result = run_tests(tmp_path, TESTS, path="/nowhere")
    assert result.returncode == 0, result.stdout
    assert "1 passed, 1 skipped" in result.stdout
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(PROGRAMS["chromium"].checks))
    assert "1 test" in line
    assert "apt-get install chromium chromium-driver" in line


def test_in_ci_it_fails(tmp_path: Path) -> None:
    result = run_tests(tmp_path, TESTS, path="/nowhere", CI="true")
    assert result.returncode == 1, result.stdout
    assert "1 passed, 1 error" in result.stdout
    assert "apt-get install chromium chromium-driver" in result.stdout


def test_with_its_program_it_runs(tmp_path: Path) -> None:
    for name in ("chromium", "chromedriver"):
        (tmp_path / name).touch(mode=0o700)
    result = run_tests(tmp_path, TESTS.replace("assert False", "pass"), path=str(tmp_path))
    assert "2 passed" in result.stdout
    assert PROGRAMS["chromium"].checks not in result.stdout


def test_a_program_that_the_table_does_not_hold_is_an_error(tmp_path: Path) -> None:
    result = run_tests(tmp_path, TESTS.replace("chromium", "chromiun"), path="/nowhere")
    assert result.returncode == 1
    assert "KeyError: 'chromiun'" in result.stdout


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_ci_installs_what_brings_it(program: Program) -> None:
    installed = (ROOT / ".ci/run").read_text().split()
    assert set(program.packages.split()) <= set(installed)
