"""`python -m bnsweep.copies DIRECTORY NAME...`: keep copies up to date until stdin ends, and all is committed.

So it also comes to its end where the run is killed. One at a time: it waits for that of a killed run.
"""

from __future__ import annotations

import fcntl
import os
import select
import sys

from bnsweep.copies import COPIES
from bnsweep.copies.following import Follower
from bnsweep.results import Store
from bnsweep.spec.sweep import CopyName

LOCK = "_copies.lock"
LOOK_EVERY_S = 5.0
"""As often as a run commits at most."""


def follow(directory: str, *names: CopyName) -> None:
    """Keep copies, by their names, of the results in a directory."""
    follower = Follower(Store.open(directory), names, lambda line: print(line, flush=True))  # noqa: T201  # the run reads it
    with open(os.path.join(directory, LOCK), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wait_s, is_over = 0.0, False
        while not is_over:
            is_over = bool(select.select([sys.stdin], [], [], wait_s)[0])
            if not follower.bring_up_to_date():
                return
            wait_s = LOOK_EVERY_S


if __name__ == "__main__":
    os.nice(19)
    follow(sys.argv[1], *(name for name in COPIES if name in sys.argv[2:]))
