"""An S3 server on loopback, one for all tests of a process."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "sweeps"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "secret"}  # of the server on loopback


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The server's `host:port`; it has the bucket `BUCKET`, and the environment its credentials."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield f"{host}:{port}"
    server.stop()


def s3_uri(endpoint: str, folder: str) -> str:
    """Return the URI of a folder of the bucket."""
    return f"s3://{BUCKET}/{folder}?endpoint_override={endpoint}&scheme=http"
