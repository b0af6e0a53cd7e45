"""What 10,000 trials cost that train nothing.

    python -m benchmarks.scale                  # 10,000 trials: some minutes
    python -m benchmarks.scale --trials 2000

Each trial makes one update of a model with one weight, so that what is measured is everything else: reading the sweep,
packs, workers, rows, files. Printed are wall time per trial of the whole command, by how much the driver's memory grew
while the trials ran, how many files are left, and how long a second run takes to decide that nothing is missing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import numpy as np
import psutil

from benchmarks.sized import asked_for, num_files, sized_sweep
from bnsweep.results import Store
from bnsweep.running.plan import Plan
from bnsweep.spec.sweep import Sweep


def main() -> None:
    """Print the figures."""
    num_trials = asked_for(__doc__, 10_000)
    with sized_sweep("scale", "benchmarks.scale:points", num_trials) as (sweep, out):
        seconds, grown = run(sweep, out)
        print(f"{num_trials:,} trials: {seconds:.1f} s, {1000 * seconds / num_trials:.2f} ms each")
        print(f"driver's memory from the first trials to the end: {grown / 1e6:+.0f} MB")
        print(f"files left: {num_files(out)}")
        print(f"deciding what is missing: {shown(list(planned(sweep, out)))}")


def shown(values: list[float]) -> str:
    """Return the median and the extremes."""
    return f"{statistics.median(values):.2f} s  [{min(values):.2f}, {max(values):.2f}]  n={len(values)}"


def run(sweep: Path, out: Path) -> tuple[float, int]:
    """Run the sweep; return how long it took (seconds) and by how much the driver's memory grew meanwhile (bytes)."""
    started = monotonic()
    command = [sys.executable, "-m", "bnsweep", "run", str(sweep), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        seen = psutil.Process(driver.pid)
        assert driver.stdout
        sizes = [seen.memory_info().rss for line in driver.stdout if " trials: " in line]
    if driver.returncode:
        raise SystemExit(f"bnsweep run ended with {driver.returncode}")
    return monotonic() - started, max(sizes) - sizes[0]


def planned(sweep: Path, out: Path) -> Iterator[float]:
    """Yield how long it takes, in a warm process, to read the sweep and tell what is missing."""
    for _ in range(3):
        started = monotonic()
        Plan.of(Sweep.from_yaml(sweep), Store.open(str(out)))
        yield monotonic() - started


def points() -> tuple[np.ndarray, ...]:
    """Return two points, and their labels."""
    x, y = np.array([[0.0], [1.0]], dtype=np.float32), np.array([0, 1])
    return x, y, x, y


if __name__ == "__main__":
    main()
