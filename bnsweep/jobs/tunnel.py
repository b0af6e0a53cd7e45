"""A tunnel to the dashboard of a cluster that `ray up` brought up; it listens on the head's loopback only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bnsweep.errors import InputError

OPEN_WITHIN_S = 60.0
DASHBOARD_PORT = "8265"


@contextmanager
def tunnel(cluster: str) -> Iterator[str]:
    """Hold a tunnel open by `ray dashboard`; yield the URL of its near end.

    Raises:
        InputError: no such file, or the head is not reached.
    """
    if not os.path.isfile(cluster):
        raise InputError(f"--cluster {cluster}: no such file; give the file of `ray up`, such as cluster/gpu.yaml")
    port = _free_port()
    command = [sys.executable, "-m", "ray.scripts.scripts", "dashboard", cluster]
    options = ["--port", str(port), "--remote-port", DASHBOARD_PORT, "--no-config-cache"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*command, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            if not _opens(port, process):
                log.seek(0)
                said = " ".join(log.read().split()[-40:])
                raise InputError(f"--cluster {cluster}: its head is not reached; is the cluster up? ({said})")
            yield f"http://127.0.0.1:{port}"
        finally:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGKILL)  # the ssh that it started, too
            process.wait()


def _opens(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until something listens on the port; False once that can no longer be hoped for."""
    deadline = time.monotonic() + OPEN_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as near:
            if near.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        port: int = any_port.getsockname()[1]
    return port
