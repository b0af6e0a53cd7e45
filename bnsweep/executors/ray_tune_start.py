"""Starting a Ray of one's own on this machine, and saying what to do where that fails."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import ray

from bnsweep.errors import InputError, StartError
from bnsweep.executors.ray_tune_local import without_cluster_services
from bnsweep.limits import machine_memory_bytes, memory_bytes
from bnsweep.running.interruption import signals_blocked

SETTINGS = {
    "RAY_gcs_rpc_server_reconnect_timeout_s": "20",  # after which it is dead, on this machine
    "RAY_prestart_worker_first_driver": "0",  # Tune starts its own
}
TIMED_OUT_AFTER_S = 15.0
"""What fails sooner fails again; what fails later, Ray has waited for in vain: 30 s, which it has no setting for."""
GIVE_UP_AFTER_S = 300.0
MIN_MEMORY_BYTES = 5 * 2**28
"""In 1 GiB Ray starts, but the kernel ends its one worker while that loads PyTorch."""
OBJECT_STORE_SHARE = 0.3
"""Of the memory that there is, for what workers map: Ray's own share, but Ray overlooks some of the limits."""
SERIAL = "or give --executor serial, which needs no Ray"


def start_ray(cpus: int, announce: Callable[[str], None], give_up_after_s: float = GIVE_UP_AFTER_S) -> None:
    """Start a Ray for this process alone, as often as it takes on a machine that is busy.

    Args:
        cpus: processors that its workers share.
        announce: called with a line at each further attempt.
        give_up_after_s: until when one is begun.

    Raises:
        InputError: the machine lacks what Ray needs. StartError: it does not come up.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ.pop("RAY_JOB_CONFIG_JSON_ENV_VAR", None)  # of a job that this runs in: another Ray's
    _check_memory()
    _check_loopback()
    started, attempt = monotonic(), 1
    while (error := _attempt(cpus)) is not None:
        if monotonic() - started > give_up_after_s:
            raise StartError(
                f"Ray did not come up in {monotonic() - started:.0f} s: this machine is too busy, or short of memory; "
                f"try again when less runs here, {SERIAL}; Ray's logs: {_logs()}"
            ) from error
        attempt += 1
        announce(f"Ray is not up yet, this machine is busy; attempt {attempt} ...")


def _attempt(cpus: int) -> Exception | None:
    """Start Ray; return the error where it was not up in time, so that it can be tried again."""
    began, before = monotonic(), _children()
    limit = memory_bytes()
    object_store = int(OBJECT_STORE_SHARE * limit) if limit < machine_memory_bytes() else None
    try:
        with signals_blocked(signal.SIGHUP), without_cluster_services():
            ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=object_store,
            )
    except OSError as error:
        where = "its files go to RAY_TMPDIR, or TMPDIR, or /tmp, and to HOME: short paths that can be written"
        raise InputError(f"Ray cannot be started here ({error}); {where}") from error
    except Exception as error:  # Ray has no type for what fails at its start
        ray.shutdown()
        _end(_children() - before)
        if monotonic() - began < TIMED_OUT_AFTER_S:
            reason = str(error).strip().splitlines()
            raise StartError(
                f"Ray cannot be started here ({reason[0] if reason else type(error).__name__}); "
                f"see its logs in {_logs()}, {SERIAL}"
            ) from error
        return error
    return None


def _check_memory() -> None:
    if (found := memory_bytes()) < MIN_MEMORY_BYTES:
        raise InputError(
            f"this process may use {found / 2**30:.2g} GiB of memory, and Ray with one worker needs "
            f"{MIN_MEMORY_BYTES / 2**30:.2g} GiB; allow more, {SERIAL}"
        )


def _check_loopback() -> None:
    """Check that processes of this machine can reach each other; Ray would wait in vain, and end this process."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        raise InputError(
            f"Ray cannot be started here: its processes cannot reach each other at 127.0.0.1 ({error}); "
            f"bring that network interface up (ip link set lo up), {SERIAL}"
        ) from error


def _children() -> set[int]:
    """Return the processes of Ray that this one has started."""
    pids = {pid for path in Path("/proc/self/task").glob("*/children") for pid in _read(path).split()}
    return {
        int(pid) for pid in pids if os.fsencode(Path(ray.__file__).parent) in _read(Path(f"/proc/{int(pid)}/cmdline"))
    }


def _read(path: Path) -> bytes:
    """Return what the kernel says; nothing of a thread or process that has ended just now."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _end(processes: set[int]) -> None:
    """End what an attempt has left behind: it would take from the next one what that one lacks."""
    for pid in processes:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def _logs() -> Path:
    return Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray/session_latest/logs")
