"""A connection to the job server of a cluster, direct or through SSH."""

from __future__ import annotations

import http.client
import json
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from bnsweep.errors import InputError
from bnsweep.jobs.nodes import check_head
from bnsweep.jobs.token import Token, explain_refusal, find_token
from bnsweep.jobs.tunnel import tunnel

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

ANSWER_TIMEOUT_S = 20.0
ADDRESS_HINT = "give the URL of the cluster's dashboard, such as http://127.0.0.1:8265, or --cluster FILE for a tunnel"
CLUSTER_HINT = (
    "Ray on the head is not up, or the connection broke; try again, and if that fails `ray up -y FILE` starts it"
)
RAY_ADDRESS_VARIABLES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""Ray prefers these to the address that it is given."""
TRACEBACK = "Traceback (most recent call last)"
NO_PROXY_VARIABLES = ("NO_PROXY", "no_proxy")
LOOPBACK = "127.0.0.1,localhost"


@contextmanager
def job_server(cluster: str | None, address: str | None) -> Iterator[JobSubmissionClient]:
    """Connect to the cluster of a `ray up` file, or to the one whose dashboard is at `address`.

    Raises:
        InputError: not exactly one of the two is given, nothing answers there, the token is missing or wrong, Ray on
            the head has died but for the server, or that answers a request with an error.
    """
    if (cluster is None) == (address is None):
        raise InputError("give either --cluster FILE, the file of `ray up`, or --address URL, of its dashboard")
    import aiohttp
    import requests

    option = f"--cluster {cluster}" if cluster else f"--address {address}"
    with tunnel(cluster) if cluster else nullcontext(address) as url, _direct_connections():
        client = _connect(str(url), option)
        try:
            check_head(client, option)
            yield client
        except (requests.RequestException, TimeoutError, RuntimeError, aiohttp.ClientError) as error:
            # Ray raises these for any other answer than 200; errors of our own output are none of them
            raise _server_error(option, error) from error


@contextmanager
def _direct_connections() -> Iterator[None]:
    """Within the block let no variable of the environment redirect a connection.

    A tunnel's near end is on this machine: a proxy would not reach it, and would be shown the token.
    """
    before = {name: os.environ.get(name) for name in (*RAY_ADDRESS_VARIABLES, *NO_PROXY_VARIABLES)}
    try:
        for name in RAY_ADDRESS_VARIABLES:
            os.environ.pop(name, None)
        for name in NO_PROXY_VARIABLES:
            os.environ[name] = ",".join(filter(None, (before[name], LOOPBACK)))
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _connect(address: str, option: str) -> JobSubmissionClient:
    hint = CLUSTER_HINT if option.startswith("--cluster") else ADDRESS_HINT
    url, token = address if "://" in address else f"http://{address}", find_token()
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{option}: {hint}")
    _check_answer(url.rstrip("/"), option, token, hint)
    from ray.job_submission import JobSubmissionClient

    for cls in JobSubmissionClient.__mro__:  # each module's logger reports every upload and every closed connection
        logging.getLogger(cls.__module__).setLevel(logging.WARNING)
    headers = {"Authorization": f"Bearer {token.value}"} if token.value else None
    try:
        return JobSubmissionClient(url, headers=headers)
    except (OSError, RuntimeError, ValueError) as error:  # it is gone, of another version, or the version is no version
        raise _server_error(option, error) from error


def _server_error(option: str, error: Exception) -> InputError:
    lines = [line for line in (str(error) or type(error).__name__).splitlines() if line.strip(" .")]
    reason, remedy = lines[0], ""
    if TRACEBACK in reason:  # of the server's own, such as where the head's Raylet has just died
        reason, remedy = lines[-1], "; try again in half a minute"
    return InputError(f"{option}: job server error ({reason}){remedy}")


def _check_answer(url: str, option: str, token: Token, hint: str) -> None:
    """Raise `InputError` unless a Ray dashboard answers and accepts the token; Ray's own client has no timeout."""
    try:
        request = urllib.request.Request(f"{url}/api/version")
        if token.value:
            request.add_unredirected_header("Authorization", f"Bearer {token.value}")
        with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:
            version = json.load(answer)
            is_ray = isinstance(version, dict) and isinstance(version.get("ray_version"), str)
    except urllib.error.HTTPError as error:
        with error:
            if reason := explain_refusal(error.code, token):
                raise InputError(f"{option}: {reason}") from None
        is_ray = False
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        raise InputError(f"{option}: no Ray job server answers ({getattr(error, 'reason', error)}); {hint}") from None
    except ValueError:  # not JSON, or not a URL
        is_ray = False
    if not is_ray:
        raise InputError(f"{option}: the server there is not a Ray job server; {hint}")
