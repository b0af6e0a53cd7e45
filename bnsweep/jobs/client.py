"""A connection to the job server of a cluster, straight or through SSH."""

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
from bnsweep.jobs.token import Token, find_token, refusal
from bnsweep.jobs.tunnel import tunnel

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

ANSWERS_WITHIN_S = 20.0
LIKE = "give the URL of the cluster's dashboard, such as http://127.0.0.1:8265, or --cluster FILE for a tunnel to it"
OVERRIDES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""Variables by which Ray would talk to another cluster than the one that was asked for."""


@contextmanager
def job_server(cluster: str | None, address: str | None) -> Iterator[JobSubmissionClient]:
    """Connect to the cluster of a `ray up` file, or to the one whose dashboard is at `address`.

    Raises:
        InputError: not exactly one of the two, nothing answers there, the token is missing or wrong, or the server
            fails while it is asked.
    """
    if (cluster is None) == (address is None):
        raise InputError("give either --cluster FILE, the file of `ray up`, or --address URL, of its dashboard")
    import aiohttp

    asked = f"--cluster {cluster}" if cluster else f"--address {address}"
    with tunnel(cluster) if cluster else nullcontext(address) as url:
        client = _connected(str(url), asked)
        try:
            yield client
        except (OSError, RuntimeError, aiohttp.ClientError) as error:  # what Ray raises for any answer but a good one
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(f"{asked}: the job server failed us ({reason})") from error


def _connected(address: str, asked: str) -> JobSubmissionClient:
    url, token = address if "://" in address else f"http://{address}", find_token()
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{asked}: {LIKE}")
    for name in ("NO_PROXY", "no_proxy"):  # the near end of a tunnel is on this machine, and so stays the token
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    _check_answer(url.rstrip("/"), asked, token)
    for name in OVERRIDES:
        os.environ.pop(name, None)
    from ray.job_submission import JobSubmissionClient

    for name in ("dashboard_sdk", "job.sdk"):  # they tell of every upload and of every connection's end
        logging.getLogger(f"ray.dashboard.modules.{name}").setLevel(logging.WARNING)
    headers = {"Authorization": f"Bearer {token.value}"} if token.value else None
    return JobSubmissionClient(url, headers=headers)


def _check_answer(url: str, asked: str, token: Token) -> None:
    """Raise `InputError` unless a Ray dashboard answers that takes the token; Ray's own client would wait forever."""
    try:
        request = urllib.request.Request(f"{url}/api/version")
        if token.value:
            request.add_unredirected_header("Authorization", f"Bearer {token.value}")
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:
            said = json.load(answer)
            is_ray = isinstance(said, dict) and "ray_version" in said
    except urllib.error.HTTPError as error:
        with error:
            if told := refusal(error.code, token):
                raise InputError(f"{asked}: {told}") from None
        is_ray = False
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise InputError(f"{asked}: no Ray job server answers ({reason}); {LIKE}") from None
    except ValueError:  # not JSON, or no URL
        is_ray = False
    if not is_ray:
        raise InputError(f"{asked}: what answers is no Ray job server; {LIKE}")
