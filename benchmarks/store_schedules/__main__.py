"""Tens of thousands of random orders of events on the store: two to five writers, readers and merges.

Each request is one step. Actors are paused, killed and woken, replies get lost, and requests are carried out late.
After each schedule nothing that was committed may be lost, there twice, or deleted.

    python -m benchmarks.store_schedules [NUMBER]
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from benchmarks.store_schedules.actors import Bucket
from benchmarks.store_schedules.schedule import SMALL, Schedule
from bnsweep.results import SCHEMAS

AT_A_TIME = 100


def run_some(has_merges: bool, first: int) -> int:
    """Run schedules; return how many requests they made.

    Raises:
        AssertionError: something was lost, is there twice, or was deleted; the message names the seed.
    """
    SCHEMAS["trials"] = SMALL
    requests = 0
    for seed in range(first, first + AT_A_TIME):
        bucket = Bucket()
        Schedule(seed, has_merges, bucket).run()
        requests += bucket.requests
    return requests


def main(number: int) -> None:
    """Run schedules on all cores, and print how many."""
    started = time.monotonic()
    with ProcessPoolExecutor() as pool:
        for has_merges in (True, False):
            some = pool.map(partial(run_some, has_merges), range(0, number // 2, AT_A_TIME))
            requests = sum(some)
            kind = "with merges" if has_merges else "without merges, whole folders read too"
            print(f"{number // 2} schedules {kind}: {requests} requests, nothing lost, nothing twice")
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
