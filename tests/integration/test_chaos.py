"""Kill everything at any moment: nothing is lost, nothing is there twice, and every bit is as if undisturbed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.chaos import VICTIMS, kill_often

OFTEN = ["workers", "driver", "worker", "raylet", "coordinator", "worker", "machine", "workers", "worker", "driver"] * 5
FEW = ["workers", "coordinator", "machine"]
"""Lost within a run, and with it; two starts of Ray are enough for all three."""


@pytest.mark.long
@pytest.mark.parametrize("kinds", [FEW, [*OFTEN, "gcs"]], ids=len)
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path, kinds: Sequence[str]) -> None:
    assert len(kinds) < 10 or set(kinds) == VICTIMS.keys()
    toll = kill_often(tmp_path, kinds, random.Random(0))
    assert toll.kills.total() >= len(kinds)
    assert (+toll.kills).keys() == set(kinds)
    assert (toll.lost, toll.doubled, toll.differing) == (0, 0, [])
