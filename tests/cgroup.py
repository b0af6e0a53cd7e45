"""A control group, as a container has one: version 1 or 2, whichever this machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = f"bnsweep-test-{os.getpid()}"
"""Its own in each process of the tests."""
PERIOD_US = 100_000


@contextmanager
def limited(*, memory_bytes: int, cpus: float) -> Iterator[list[Path]]:
    """Make a control group; yield the files that a process writes its id to so as to be in it.

    Raises:
        OSError: this user, or this machine, cannot make one.
    """
    quota = round(cpus * PERIOD_US)
    if (ROOT / "cgroup.controllers").exists():
        limits = {"": {"cpu.max": f"{quota} {PERIOD_US}", "memory.max": str(memory_bytes)}}
    else:
        limits = {"cpu": {"cpu.cfs_quota_us": str(quota)}, "memory": {"memory.limit_in_bytes": str(memory_bytes)}}
    with ExitStack() as stack:
        folders = [ROOT / controller / NAME for controller in limits]
        for folder, files in zip(folders, limits.values(), strict=True):
            folder.mkdir(exist_ok=True)
            stack.callback(folder.rmdir)
            for name, text in files.items():
                (folder / name).write_text(text)
        yield [folder / "cgroup.procs" for folder in folders]
