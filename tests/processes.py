"""bnsweep as a user runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def bnsweep(
    *arguments: object, cwd: Path | None = None, within: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, `within` another one that runs it."""
    command = [*within, sys.executable, "-m", "bnsweep", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def start_and_wait_for_a_commit(out: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start a run into `out` and return as soon as one batch is committed."""
    command = [sys.executable, "-m", "bnsweep", "run", *map(str, arguments), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and not any((out / "trials").glob("*.parquet")):
        os.sched_yield()
    return process
