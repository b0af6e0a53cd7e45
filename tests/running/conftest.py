"""Time for coordinators."""

from __future__ import annotations

import pytest

from tests.running.commit_log import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
