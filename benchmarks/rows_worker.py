"""A worker that trains nothing: it makes the rows of each trial from a result that is always the same.

    python -m benchmarks.rows_worker PORT SECRET NAME SWEEP

Started by `rows.py`, whose process is the coordinator's and so must not load what trains.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.managers import BaseManager
from pathlib import Path
from time import sleep

from bnsweep.running.outgoing import Outgoing
from bnsweep.running.packs import Desk, Ended, Ending, Wait, Whereabouts
from bnsweep.running.rows import EndedTrial
from bnsweep.spec import TrialSpec
from bnsweep.spec.sweep import Sweep
from bnsweep.training.result import TrialResult


def work(desk: Desk, here: Whereabouts, trials: Sequence[TrialSpec]) -> None:
    """Deliver the rows of whatever is handed out."""
    outgoing, result = Outgoing(desk, here), TrialResult(num_classes=10)
    circumstances = {"sweep": "rows", "started_at": datetime.now(UTC), "host": here.host, "wall_time_s": 0.0}
    while (given := desk.take(here)) is not None:
        if isinstance(given, Wait):
            sleep(given.seconds)
            outgoing.hear()
            continue
        outgoing.begin(given)
        for trial, attempt in zip(given.trials, given.attempts, strict=True):
            if not outgoing.is_dropped(trial):
                row = EndedTrial(trials[trial], result, circumstances | {"attempt": attempt})
                outgoing.add(trial, Ended(Ending.COMPLETED, attempt), row)
            outgoing.send_if_due()
        outgoing.send(is_last=True)


def main() -> None:
    """Work until there is nothing more to do."""
    port, secret, name, sweep = sys.argv[1:]
    BaseManager.register("desk")
    coordinator = BaseManager(("127.0.0.1", int(port)), secret.encode())
    coordinator.connect()
    desk: Desk = coordinator.desk()  # type: ignore[attr-defined]  # registered above
    work(desk, Whereabouts(name, host=socket.gethostname()), Sweep.from_yaml(Path(sweep)).trials)


if __name__ == "__main__":
    main()
