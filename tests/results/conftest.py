"""Stores on a local directory, and on an S3 server on loopback."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from bnsweep.results import Store
from tests.s3 import s3_uri

numbers = itertools.count()


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
def local(tmp_path: Path) -> Store:
    """A store in a local directory, for what is the same on object storage."""
    return Store.open(tmp_path / "results")


@pytest.fixture
def store(location: str) -> Store:
    return Store.open(location)
