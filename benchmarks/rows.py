"""What 1,000,000 trials cost that train nothing at all: their rows are made, delivered, committed.

    python -m benchmarks.rows                   # some minutes on two cores
    python -m benchmarks.rows --trials 100000

The coordinator and its writer are the real ones, in a process of their own; two more make the rows of each trial as a
worker does, from a result that is always the same, and deliver them by the workers' protocol. Goals: 5 minutes, 1 GB
for the coordinator, 2,000 files, and a second `bnsweep run` that sees at most 5 s after its plan that nothing is
missing.
"""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

from benchmarks.sized import asked_for, num_files, sized_sweep
from bnsweep.results import Store
from bnsweep.running.job import Job
from bnsweep.running.outgoing import Outgoing
from bnsweep.running.packs import Ended, Ending, Wait, Whereabouts
from bnsweep.running.rows import EndedTrial
from bnsweep.running.service import Service
from bnsweep.spec import TrialSpec
from bnsweep.spec.sweep import Sweep
from bnsweep.training.result import TrialResult

NUM_WORKERS = 2
LOOK_EVERY_S = 0.1
SECRET = b"of this benchmark"


class Desks(BaseManager):
    """Where processes meet the coordinator."""


def work(address: tuple[str, int], name: str, trials: Sequence[TrialSpec]) -> None:
    """Deliver the rows of whatever is handed out."""
    Desks.register("desk")
    desks = Desks(address, SECRET)
    desks.connect()
    here = Whereabouts(name, host=socket.gethostname())
    desk = desks.desk()  # type: ignore[attr-defined]  # registered above
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


def delivered(sweep: Sweep, out: Path) -> float:
    """Store the rows of all trials; return how long it took, in seconds."""
    began, store = monotonic(), Store.open(out)
    service = Service(
        Job(sweep.name, sweep.text, sweep.trials, sweep.resources, frozenset(), store, "rows", NUM_WORKERS)
    )
    Desks.register("desk", callable=lambda: service)
    server, make = Desks(("127.0.0.1", 0), SECRET).get_server(), get_context("fork")
    workers = [
        make.Process(target=work, args=(server.address, f"worker {k}", sweep.trials), daemon=True)
        for k in range(NUM_WORKERS)
    ]
    for worker in workers:
        worker.start()
    Thread(target=server.serve_forever, daemon=True).start()
    while not ((run := service.status().run) and run.is_over):
        sleep(LOOK_EVERY_S)
    for worker in workers:
        worker.join()
    service.close()
    return monotonic() - began


def command(*words: str) -> float:
    """Run bnsweep; return how long it took, in seconds."""
    began = monotonic()
    subprocess.run([sys.executable, "-m", "bnsweep", *words], check=True, stdout=subprocess.DEVNULL)
    return monotonic() - began


def main() -> None:
    """Print the figures."""
    num_trials = asked_for(__doc__, 1_000_000)
    with sized_sweep("rows", "digits", num_trials) as (path, out):
        seconds = delivered(Sweep.from_yaml(path), out)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{num_trials:,} trials stored in {seconds:.0f} s, {1e6 * seconds / num_trials:.0f} us each")
        print(f"the coordinator's memory, with the sweep and its writer: {memory:.0f} MB at most")
        print(f"files: {num_files(out):,}")
        planned = command("plan", str(path), "--out", str(out), "--no-timing")
        again = command("run", str(path), "--out", str(out))
        print(f"bnsweep plan --no-timing {planned:.1f} s, a second bnsweep run {again:.1f} s: {again - planned:+.1f} s")


if __name__ == "__main__":
    main()
