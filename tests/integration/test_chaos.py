"""Kill everything at any moment: nothing is lost, nothing is there twice, and every bit is as if undisturbed."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.chaos import kill_often

KILLS = ["workers", "driver", "worker", "raylet", "workers", "worker", "machine", "workers", "worker", "driver"] * 5


def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    toll = kill_often(tmp_path, [*KILLS, "gcs"], random.Random(0))
    assert toll.kills.total() > 50
    assert {"worker", "workers", "driver", "raylet", "machine", "gcs"} == set(toll.kills)
    assert (toll.lost, toll.doubled, toll.differing) == (0, 0, [])
