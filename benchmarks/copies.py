"""What the copies of `log_to` take for each trial: processor time of the process beside the run, and bytes on the disk.

    bnsweep run sweeps/mini.yaml
    python -m benchmarks.copies results/mini

The results are copied to a temporary folder first, so that each copy is made of all of them; nothing is left.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from bnsweep.copies import COPIES
from bnsweep.copies.copy import EVENT_FILES, JOURNAL
from bnsweep.results import Store
from bnsweep.spec.sweep import CopyName

PLACES: dict[CopyName, str] = {"tensorboard": EVENT_FILES, "optuna": JOURNAL}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="of a sweep's results, on this disk")
    directory = parser.parse_args().directory
    num_trials = len(Store.open(directory).finished_keys())
    print(f"{num_trials} trials")
    for name in COPIES:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "results")
            shutil.copytree(directory, out, ignore=shutil.ignore_patterns(EVENT_FILES, JOURNAL))
            all_s, start_s = copied(out, name), copied(out, name)  # nothing is left to add the second time
            size = sum(path.stat().st_size for path in files(out / PLACES[name]))
        each_ms = 1000 * (all_s - start_s) / num_trials
        print(f"{name:12} {each_ms:.1f} ms and {size / num_trials / 1000:.1f} kB each; start {start_s:.1f} s")


def copied(out: Path, *names: CopyName) -> float:
    """Make copies, as a run does; return the processor seconds of that process."""
    before = getrusage(RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-m", "bnsweep.copies", str(out), *names]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, check=True, capture_output=True, text=True).stdout
    assert not said, said
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def files(place: Path) -> Iterable[Path]:
    """Return a file, or those in a folder."""
    return [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]


if __name__ == "__main__":
    main()
