"""Stores on a local directory, and on an S3 server on loopback."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from bnsweep.results import Store

BUCKET = "sweeps"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "secret"}  # of the server on loopback
numbers = itertools.count()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """An S3 server; `host:port`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    make_bucket(f"{host}:{port}")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield f"{host}:{port}"
    server.stop()


def make_bucket(endpoint: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{endpoint}",
        region_name="us-east-1",
        aws_access_key_id="user",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=BUCKET)


def s3_uri(endpoint: str, folder: str) -> str:
    return f"s3://{BUCKET}/{folder}?endpoint_override={endpoint}&scheme=http"


@pytest.fixture(params=["local", "s3"])
def new_location(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return where a store may be, each time a place that was never used; what needs it holds for both kinds."""
    if request.param == "local":
        return lambda: str(tmp_path / str(next(numbers)) / "results")
    return request.getfixturevalue("new_uri")  # type: ignore[no-any-return]


@pytest.fixture
def new_uri(endpoint: str) -> Callable[[], str]:
    """Return the URI of a folder that was never used."""
    return lambda: s3_uri(endpoint, f"{next(numbers)}/results")


@pytest.fixture
def location(new_location: Callable[[], str]) -> str:
    """Where `store` is, as one would give it to a command."""
    return new_location()


@pytest.fixture
def store(location: str) -> Store:
    return Store.open(location)
