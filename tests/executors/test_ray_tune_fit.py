"""How Tune is handed packs."""

from __future__ import annotations

from pathlib import Path

from bnsweep.executors.ray_tune_fit import QueueSearch
from bnsweep.executors.ray_tune_worker import PACK
from bnsweep.results import Store
from bnsweep.running.packs import Tally
from bnsweep.running.queue import PackQueue
from tests.running.test_queue import pool


def test_one_pack_is_ready_for_whoever_ends_first_and_no_more(tmp_path: Path) -> None:
    queue = PackQueue(pool(1, 1, 1), Store.open(tmp_path / "results"))
    search = QueueSearch(queue, lambda: 2)
    first, ahead = (search.suggest(name)[PACK].number for name in "ab")
    assert search.suggest("c") is None
    queue.ended(first, Tally(completed=1))
    last = search.suggest("c")[PACK].number
    assert search.suggest("d") is None
    for number in (ahead, last):
        queue.ended(number, Tally(completed=1))
    assert search.suggest("d") == QueueSearch.FINISHED
