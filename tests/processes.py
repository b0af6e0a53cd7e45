"""bnsweep as a user runs it: a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.waiting import wait_until


def bnsweep(
    *arguments: object, cwd: Path | None = None, within: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, `within` another one that runs it."""
    command = [*within, sys.executable, "-m", "bnsweep", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def complaints(stderr: str) -> str:
    """Return what a command printed on stderr, but for what it is at: a busy machine gives it the time to say that."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not (line.startswith("bnsweep: ") and line.endswith(" ...\n")))


def most_running(stdout: str) -> int:
    """Return how many trials ran at once at most, by the lines of a run's progress.

    A quick worker may be through with all trials before the first line: then 0.
    """
    return max(int(number) for number in re.findall(r"(\d+) running", stdout))


def start_and_wait_for_a_commit(out: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start a run into `out` and return as soon as rows are committed: the first file in `trials/` has none."""
    command = [sys.executable, "-m", "bnsweep", "run", *map(str, arguments), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def is_far_enough() -> bool:
        return process.poll() is not None or len(list((out / "trials").glob("*.parquet"))) >= 2

    wait_until(is_far_enough, f"a commit in {out}", poll_every_s=0.02)
    return process
