"""How runs on one machine share its processors."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bnsweep.errors import InputError
from bnsweep.limits import whole_cpus
from bnsweep.running.cpu_lease import free_cpus, leased_cpus, share


@pytest.mark.parametrize(
    ("total", "others", "each", "at_most", "workers", "cpus"),
    [
        (8, 0, 1, None, 8, 8),
        (8, 0, 1, 3, 3, 3),
        (8, 0, 1, 99, 8, 8),
        (8, 5, 1, None, 3, 3),
        (8, 8, 1, None, 1, 1),
        (8, 12, 2, None, 1, 2),
        (8, 0, 3, None, 2, 6),
        (2, 0, 0.5, 3, 3, 2),
        (2, 1, 0.3, None, 3, 1),
    ],
)
def test_a_run_takes_what_others_leave_but_a_worker_at_least(
    total: int, others: int, each: float, at_most: int | None, workers: int, cpus: int
) -> None:
    lease = share(total, others, each, at_most)
    assert (lease.workers, lease.cpus, lease.others) == (workers, cpus, others)


def test_more_than_the_machine_has_is_refused() -> None:
    with pytest.raises(InputError, match=r"resources\.cpus: 9 asked for, this machine has 8"):
        share(8, 0, 9)


HOLD = """
import sys
from pathlib import Path
from bnsweep.running.cpu_lease import leased_cpus
with leased_cpus(1, 1, Path(sys.argv[1])) as lease:
    print(lease.cpus, flush=True)
    sys.stdin.read()
"""


def test_a_lease_counts_as_long_as_its_run_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "1\n"
        free = free_cpus(1, folder=tmp_path)
        assert len(os.listdir(tmp_path)) == 2
        with leased_cpus(1, folder=tmp_path) as lease:
            assert lease == free
            assert (lease.others, lease.workers) == (1, max(1, whole_cpus() - 1))
        other.send_signal(signal.SIGKILL)
    with leased_cpus(1, folder=tmp_path) as lease:
        assert (lease.others, lease.workers) == (0, whole_cpus())
        assert len(os.listdir(tmp_path)) == 2
    assert os.listdir(tmp_path) == ["guard"]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_runs_kept_to_different_cpus_take_nothing_from_each_other(tmp_path: Path) -> None:
    all_cpus = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(all_cpus)})
        with leased_cpus(1, folder=tmp_path):
            os.sched_setaffinity(0, all_cpus - {min(all_cpus)})
            with leased_cpus(1, folder=tmp_path) as lease:
                assert lease.others == 0
            os.sched_setaffinity(0, all_cpus)
            with leased_cpus(1, folder=tmp_path) as lease:
                assert lease.others == 1
    finally:
        os.sched_setaffinity(0, all_cpus)


def test_where_no_lease_can_be_written_a_run_takes_all(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with leased_cpus(1, folder=tmp_path / "file") as lease:
        assert (lease.others, lease.workers) == (0, whole_cpus())
        assert lease.warning


def test_where_files_cannot_be_locked_a_run_takes_all_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(file: object, operation: int) -> None:  # as Lustre answers that was mounted without it
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)
    with leased_cpus(1, folder=tmp_path) as lease:
        assert (lease.others, lease.workers) == (0, whole_cpus())
        assert lease.warning is not None
        assert lease.warning.startswith(f"{tmp_path}: no file can be locked there (Function not implemented)")
        assert free_cpus(1, folder=tmp_path) == lease
    assert os.listdir(tmp_path) == ["guard"]


def test_an_error_of_the_run_passes_through_and_ends_the_lease(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"), leased_cpus(1, folder=tmp_path):
        raise OSError("disk full")
    assert os.listdir(tmp_path) == ["guard"]
