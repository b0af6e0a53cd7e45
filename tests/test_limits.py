"""What the kernel lets a process use, from trees that look like /proc and /sys, and in a real cgroup."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bnsweep.limits import cpus, memory_bytes, whole_cpus

HERE = len(os.sched_getaffinity(0))
MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
V1, V2 = "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n0::/\n", "0::/user.slice/job\n"

TREES = [
    ({}, HERE, MACHINE),
    (
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000", "sys/fs/cgroup/memory.max": "4096"},
        0.5,
        4096,
    ),
    ({"proc/self/cgroup": V2, "sys/fs/cgroup/user.slice/job/cpu.max": "max 100000"}, HERE, MACHINE),
    (
        {
            "proc/self/cgroup": V2,
            "sys/fs/cgroup/user.slice/cpu.max": "25000 100000",
            "sys/fs/cgroup/user.slice/job/cpu.max": "50000 100000",
            "sys/fs/cgroup/user.slice/memory.max": "max",
            "sys/fs/cgroup/user.slice/job/memory.max": "8192",
        },
        0.25,
        8192,
    ),
    (
        {
            "proc/self/cgroup": V1,
            "sys/fs/cgroup/cpu/docker/ab/cpu.cfs_quota_us": "75000",
            "sys/fs/cgroup/cpu/docker/ab/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes": "8192",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        },
        0.75,
        8192,
    ),
    (
        {
            "proc/self/cgroup": V1,  # the host's path, the container's own cgroup mounted
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "300000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "4096",
        },
        0.5,
        4096,
    ),
]


@pytest.mark.parametrize(
    ("files", "processors", "memory"),
    TREES,
    ids=["no cgroups", "v2", "v2 without limits", "v2 nested", "v1 nested", "v1 in a container"],
)
def test_what_the_kernel_sets_counts(tmp_path: Path, files: dict[str, str], processors: float, memory: int) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cpus(tmp_path) == processors
    assert whole_cpus(tmp_path) == max(1, int(processors))
    assert memory_bytes(tmp_path) == memory


def test_affinity_counts(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(before)])
    try:
        assert cpus(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)
