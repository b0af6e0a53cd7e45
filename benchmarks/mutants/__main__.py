"""The command."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import benchmarks.mutants
from benchmarks.mutants.coordinator import RUNNING
from benchmarks.mutants.mutant import Mutant
from benchmarks.mutants.service import SERVING
from benchmarks.mutants.store import STORE

ROOT = Path(benchmarks.mutants.__file__).parents[2]
COPIED = ("analysis", "benchmarks", "bnsweep", "cluster", "sweeps", "tests", "pyproject.toml")
GOAL = 0.95
TIMED_OUT_AFTER_S = 1200.0
"""What hangs is caught: CI would end it."""


@dataclass(frozen=True)
class Part:
    """Mistakes, and the files of tests that should notice: some run at once, the quick ones first."""

    mutants: Sequence[Mutant]
    tests: tuple[tuple[str, ...], ...]


def _files(folder: str, names: str) -> tuple[str, ...]:
    return tuple(f"tests/{folder}/test_{name}.py" for name in names.split())


PARTS = {
    "store": Part(
        STORE,
        (
            _files("results", "commits store local schedules compact objects damage convert"),
            _files("results", "trouble verify user_tables stored_spec kills"),
        ),
    ),
    "coordinator": Part(
        (*RUNNING, *SERVING),
        (
            _files("running", "coordinator coordinator_failures coordinator_successor outgoing outbox protocol"),
            (*_files("running", "service widening worker run"), *_files("training", "checkpoint")),
            _files("executors", "ray_tune_stopping"),
            _files("executors", "contract"),
        ),
    ),
}


@dataclass(frozen=True)
class Outcome:
    """Whether a mistake was noticed, by which test, after how long."""

    by: str
    seconds: float
    mutant: Mutant | None

    def __str__(self) -> str:
        assert self.mutant is not None, "of a mistake"
        found = f"caught by {self.by}" if self.by else "SURVIVED"
        return f"{self.mutant.what} | {self.mutant.file} | {found} | {self.seconds:.0f} s"


def tried(mutant: Mutant | None, tests: Sequence[Sequence[str]]) -> Outcome:
    """Make the mistake in a copy, if any, and run the tests there until one fails."""
    began = perf_counter()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        root = Path(folder)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, root / name)
        if mutant:
            mutant.make(root)
        by = next(filter(None, (_noticed(root, some) for some in tests)), "")
    return Outcome(by, perf_counter() - began, mutant)


def _noticed(root: Path, tests: Sequence[str]) -> str:
    """Return which test fails; '' where none does."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not long", "-p", "no:cacheprovider", *tests]
    try:
        ran = subprocess.run(
            command,
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=TIMED_OUT_AFTER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{tests[0]} or one after it, which hangs"
    if ran.returncode == 0:
        return ""
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return (
        failed[0].split(" - ")[0].partition(" ")[2]
        if failed
        else f"{tests[0]} or one after it, exit code {ran.returncode}"
    )


def main() -> None:
    """Print a line for each mistake, then how many were caught."""
    parser = argparse.ArgumentParser(
        description=benchmarks.mutants.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--named", default="", help="only mistakes whose description holds this")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    arguments = parser.parse_args()
    chosen = [
        (mutant, part.tests)
        for name, part in PARTS.items()
        for mutant in part.mutants
        if arguments.only in (None, name) and arguments.named in mutant.what
    ]
    for tests in dict.fromkeys(tests for _, tests in chosen):
        if found := tried(None, tests).by:
            sys.exit(f"without any mistake {found} fails: mend that first")
    outcomes = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for outcome in pool.map(lambda pair: tried(*pair), chosen):
            print(outcome, flush=True)
            outcomes.append(outcome)
    caught = sum(bool(outcome.by) for outcome in outcomes)
    verdict = "met" if caught >= GOAL * len(outcomes) else "missed"
    print(f"\n{caught} of {len(outcomes)} caught; the goal of {GOAL:.0%} is {verdict}")


if __name__ == "__main__":
    main()
