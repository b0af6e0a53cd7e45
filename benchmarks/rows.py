"""What 1,000,000 trials cost that train nothing at all: their rows are made, delivered, committed.

    python -m benchmarks.rows                   # some minutes on two cores
    python -m benchmarks.rows --trials 100000

The coordinator and its writer are the real ones, in a process that loads no PyTorch; two more (`rows_worker.py`) make
the rows of each trial as a worker does, from a result that is always the same, and deliver them by the workers'
protocol. Goals: 5 minutes, 1 GB for the coordinator, 2,000 files, and a second `bnsweep run` that sees at most 5 s
after its plan that nothing is missing.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from multiprocessing.managers import BaseManager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

from benchmarks.sized import asked_for, num_files, sized_sweep
from bnsweep.results import Store
from bnsweep.running.job import Job
from bnsweep.running.service import Service
from bnsweep.spec.sweep import Sweep

NUM_WORKERS = 2
LOOK_EVERY_S = 0.1
SECRET = "of this benchmark"


def delivered(path: Path, out: Path) -> float:
    """Store the rows of all trials of a sweep file; return how long it took, in seconds."""
    began, store, sweep = monotonic(), Store.open(out), Sweep.from_yaml(path)
    service = Service(
        Job(sweep.name, sweep.text, sweep.trials, sweep.resources, frozenset(), store, "rows", NUM_WORKERS)
    )
    BaseManager.register("desk", callable=lambda: service)
    server = BaseManager(("127.0.0.1", 0), SECRET.encode()).get_server()
    assert isinstance(server.address, tuple), "it was asked for a port"
    worker = [sys.executable, "-m", "benchmarks.rows_worker", str(server.address[1]), SECRET]
    workers = [subprocess.Popen([*worker, f"worker {k}", str(path)]) for k in range(NUM_WORKERS)]
    Thread(target=server.serve_forever, daemon=True).start()
    while not ((run := service.status().run) and run.is_over):
        sleep(LOOK_EVERY_S)
    for process in workers:
        process.wait()
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
        seconds = delivered(path, out)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{num_trials:,} trials stored in {seconds:.0f} s, {1e6 * seconds / num_trials:.0f} us each")
        print(f"the coordinator's memory, with the sweep and its writer: {memory:.0f} MB at most")
        print(f"files: {num_files(out):,}")
        planned = command("plan", str(path), "--out", str(out), "--no-timing")
        again = command("run", str(path), "--out", str(out))
        print(f"bnsweep plan --no-timing {planned:.1f} s, a second bnsweep run {again:.1f} s: {again - planned:+.1f} s")


if __name__ == "__main__":
    main()
