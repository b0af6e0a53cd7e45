"""What can be found out about a worker that died: why, in words, and how its log ends."""

from __future__ import annotations

import os

import ray
from ray.exceptions import OutOfMemoryError, RayActorError

from bnsweep.errors import InputError
from bnsweep.running.worker_log import MAX_TAIL_BYTES, WorkerLog, log_files

ANSWERS_WITHIN_S = 10
MAX_LINES = 1000
LOGS = "/logs/"
"""The folder of a Ray session that names of logs are relative to."""


def in_words(error: BaseException | None) -> str | None:
    """Return in words why a worker's process ended; None where its own message says it."""
    if isinstance(error, OutOfMemoryError):
        return "worker killed: its machine was running out of memory, so Ray ended it"
    if isinstance(error, RayActorError) and not error.actor_init_failed:
        return "worker died: killed (SIGKILL, most often because memory ran out), or crashed (its log says so then)"
    return None


def last_line(error: BaseException | None) -> str:
    """Return how an error's text ends, which Ray begins with the traceback; of our own errors the message alone."""
    lines = str(error or "unknown").strip().splitlines() or [type(error).__name__]
    return lines[-1].removeprefix(f"{InputError.__module__}.{InputError.__name__}: ")


def read_log(path: str, node_ip: str) -> str | None:
    """Return the end of the log of a worker that died; None where its machine is gone too."""
    tail = WorkerLog(path).tail()
    if tail is not None:
        return tail
    ends = [end for name in log_files(path) if (end := _read_from_node(name, node_ip))]
    return "".join(ends)[-MAX_TAIL_BYTES:] or None


def _read_from_node(path: str, node_ip: str) -> str | None:
    import requests
    from ray.util.state import get_log
    from ray.util.state.exception import RayStateApiException

    name = path.partition(LOGS)[2] or os.path.basename(path)
    try:
        address = ray.get_runtime_context().gcs_address  # there may be other Rays on this machine
        where = {"address": address, "node_ip": node_ip, "filename": name}
        return "".join(get_log(**where, tail=MAX_LINES, timeout=ANSWERS_WITHIN_S, errors="replace"))
    except (RayStateApiException, requests.RequestException, ConnectionError, ValueError):
        return None


def lost_nodes() -> set[str]:
    """Return the ids of the cluster's nodes that are no more."""
    return {node["NodeID"] for node in ray.nodes() if not node["Alive"]}  # type: ignore[no-untyped-call]  # ray's
