"""The progress of a run that goes on, as a test needs it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bnsweep.running.progress_file import RunProgress, RunState

RUNNING: dict[str, Any] = {
    "job": "tiny-1a2b3c4d",
    "sweep": "tiny",
    "num_trials": 12,
    "had_result_before": 5,
    "completed": 3,
    "diverged": 2,
    "failed": 1,
    "running": 2,
    "workers": 2,
    "hosts": {"a": 1, "b": 1},
    "eta_s": 7.5,
    "state": RunState.RUNNING,
    "error": None,
    "started_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "updated_at": datetime(2026, 1, 2, 3, 5, 0, tzinfo=UTC),
}


def run_progress(**changes: Any) -> RunProgress:
    """Return a run's progress that differs from `RUNNING` in `changes`."""
    return RunProgress(**{**RUNNING, **changes})
