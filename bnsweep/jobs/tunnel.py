"""An SSH tunnel to the dashboard of a cluster that `ray up` started; the dashboard listens on the head's loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bnsweep.errors import InputError
from bnsweep.jobs.cluster_name import check_cluster_name

OPEN_TIMEOUT_S = 60.0
QUIET_S = 10.0
"""After how long it is said what is waited for."""
DASHBOARD_PORT = "8265"
EXCEPTION = "The exception is: "
"""How Ray begins to say why it could not forward a port."""


@contextmanager
def tunnel(cluster: str) -> Iterator[str]:
    """Keep a tunnel open with `ray dashboard`; yield the URL of its near end.

    Raises:
        InputError: there is no such file, another cluster has its name, or the head cannot be reached.
    """
    if not os.path.isfile(cluster):
        raise InputError(f"--cluster {cluster}: no such file; give the file of `ray up`, such as cluster/gpu.yaml")
    check_cluster_name(cluster)
    port = _free_port()
    options = ["--port", str(port), "--remote-port", DASHBOARD_PORT, "--no-config-cache"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [ray_program(), "dashboard", cluster, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            if not _opens(port, process):
                log.seek(0)
                raise InputError(
                    f"--cluster {cluster}: cannot reach its head ({why_unreachable(log.read())}); is the cluster up? "
                    f"`ray up -y {cluster}` brings it up"
                )
            yield f"http://127.0.0.1:{port}"
        finally:
            with suppress(ProcessLookupError):  # it has ended
                os.killpg(process.pid, signal.SIGKILL)  # the ssh that it started, too
            process.wait()


def why_unreachable(output: str) -> str:
    """Return of the output of `ray dashboard` what it failed for: ssh's own words, else Ray's.

    >>> why_unreachable("INFO Fetched IP\\nssh: connect to host 10.0.0.1 port 22: No route to host\\nError: Failed")
    'ssh: connect to host 10.0.0.1 port 22: No route to host'
    """
    lines = [line.strip() for line in output.splitlines()]
    of_ssh = [line for line in lines if line.startswith("ssh: ") or "Permission denied" in line]
    of_ray = [line.removeprefix(EXCEPTION) for line in lines if line.startswith(EXCEPTION)]
    return (of_ssh or of_ray or [f"no answer within {OPEN_TIMEOUT_S:g} s"])[-1]


def ray_program() -> str:
    """Return the path of the `ray` command that was installed with this Python; else the one that PATH finds."""
    return shutil.which("ray", path=sysconfig.get_path("scripts")) or "ray"


def _opens(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until something listens on the port; False where the process ends first, or the time is up."""
    began, is_told = time.monotonic(), False
    while process.poll() is None and (waited_s := time.monotonic() - began) < OPEN_TIMEOUT_S:
        if waited_s > QUIET_S and not is_told:
            print("bnsweep: connecting to the head by SSH ...", file=sys.stderr)  # noqa: T201  # as Patience does
            is_told = True
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
