"""Whatever the order of events: nothing that was committed is lost, there twice, or deleted."""

from __future__ import annotations

import pytest

from bnsweep.results import SCHEMAS
from tests.results.schedules import SMALL, Schedule


@pytest.fixture(autouse=True)
def small_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write files of one column, so that a schedule takes milliseconds."""
    monkeypatch.setitem(SCHEMAS, "trials", SMALL)


@pytest.mark.parametrize("has_merges", [True, False])
def test_no_order_of_events_harms_what_is_committed(has_merges: bool) -> None:
    for seed in range(150):
        Schedule(seed, has_merges).run()
