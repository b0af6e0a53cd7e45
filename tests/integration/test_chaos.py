"""Kill everything at any moment: nothing is lost, nothing is there twice, and every bit is as if undisturbed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.chaos import VICTIMS, kill_often

OFTEN = ["workers", "driver", "worker", "raylet", "coordinator", "worker", "machine", "workers", "worker", "driver"] * 5


@pytest.mark.parametrize("kinds", [list(VICTIMS), pytest.param([*OFTEN, "gcs"], marks=pytest.mark.long)], ids=len)
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path, kinds: Sequence[str]) -> None:
    toll = kill_often(tmp_path, kinds, random.Random(0))
    assert toll.kills.total() >= len(kinds)
    assert (+toll.kills).keys() == VICTIMS.keys()
    assert (toll.lost, toll.doubled, toll.differing) == (0, 0, [])
