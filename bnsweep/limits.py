"""How much of the machine this process may use: processors and memory, as the kernel limits them.

A container, a Slurm step or `systemd-run` limits a process by control groups (cgroups, version 1 or 2), `taskset` by
affinity. What the machine has beyond that is of no use, and whoever counts on it is killed or slowed down.
Source: https://docs.kernel.org/admin-guide/cgroup-v2.html, and cgroup-v1/ beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/")


def cpus(root: Path = ROOT) -> float:
    """Return how many processors this process may use: those of its affinity, or the cgroups' quota if that is less.

    A fraction where the quota is one: 0.5 for half a processor.

    Args:
        root: where proc and sys/fs/cgroup are looked up.
    """
    return min([float(len(os.sched_getaffinity(0))), *_quotas(root)])


def whole_cpus(root: Path = ROOT) -> int:
    """Return `cpus` in whole numbers, at least 1: how many processes can train at once."""
    return max(1, int(cpus(root)))


def memory_bytes(root: Path = ROOT) -> int:
    """Return how much memory this process may use: the machine's, or the cgroups' limit if that is less.

    Args:
        root: where proc and sys/fs/cgroup are looked up.
    """
    limits = [*_numbers(root, "", "memory.max"), *_numbers(root, "memory", "memory.limit_in_bytes")]
    return min([machine_memory_bytes(), *(int(limit) for (limit,) in limits)])


def machine_memory_bytes() -> int:
    """Return the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _quotas(root: Path) -> Iterator[float]:
    """Yield the processors of each cgroup that limits them."""
    for quota, period in _numbers(root, "", "cpu.max"):
        yield quota / period
    for folder in _folders(root, "cpu"):
        for quota, period in _read(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us"):
            if quota > 0:  # -1 is no limit
                yield quota / period


def _numbers(root: Path, controller: str, name: str) -> Iterator[list[float]]:
    for folder in _folders(root, controller):
        yield from _read(folder / name)


def _read(*paths: Path) -> Iterator[list[float]]:
    """Yield the numbers in the files; nothing where one is not there, or says `max`, which is no limit."""
    with suppress(OSError, ValueError):
        yield [float(word) for path in paths for word in path.read_text().split()]


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield this process's cgroup and all above it, each of which limits it; "" is version 2's one hierarchy.

    In a container the path may be the host's, and only its end, or nothing of it, is mounted here.
    """
    mounted = root / "sys/fs/cgroup" / controller
    yield mounted
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controller in controllers.split(","):
            folder = mounted / path.strip("/")
            while folder != mounted and mounted in folder.parents:
                yield folder
                folder = folder.parent
