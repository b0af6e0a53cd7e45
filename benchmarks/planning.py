"""What it takes to read and plan a large sweep: `bnsweep plan --no-timing`, as a command.

    python -m benchmarks.planning                    # 1,000,000 trials
    python -m benchmarks.planning --trials 100000

Each line is a sweep of about as many trials whose axes are of another kind. Printed are the wall time of the whole
command, Python's start and imports included, and its peak memory (resident, as the kernel counts it).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

SWEEP = """
name: planning
dataset: {{name: digits}}
model: {{name: {model}}}
probes: full
axes: {{{axes}}}
"""
REPEATS = 3


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000_000, help="at least 100,000")
    for kind, text in sweeps(parser.parse_args().trials).items():
        seconds, peaks, counts = zip(*(planned(text) for _ in range(REPEATS)), strict=True)
        spread = f"[{min(seconds):.1f}, {max(seconds):.1f}]"
        print(
            f"{kind:18} {counts[0]:>9} trials: {statistics.median(seconds):4.1f} s {spread}, {max(peaks) / 1e6:.0f} MB"
        )


def sweeps(num_trials: int) -> dict[str, str]:
    """Return sweep files of at most so many trials each, by what their axes are."""
    study = "norm: [none, batch, layer, group, rms], init: [default, orthogonal], init_gain: [0.5, 1, 2, 4]"
    study += ", lr: {logspace: [0.001, 10, 25]}"
    nested = "norm: [none, batch], lr: {logspace: [0.001, 10, 10]}, train.optimizer: [sgd, adam]"
    nested += ", train.weight_decay: {logspace: [1.0e-5, 0.01, 10]}, train.batch_size: [16, 32, 64, 128, 256]"
    nested += ", model.width: [8, 16, 24, 32, 48]"
    root = int(num_trials ** (1 / 4))
    fields = f"model.width: {{range: [1, {root + 1}]}}, train.momentum: {{linspace: [0, 0.9, {root}]}}"
    fields += f", train.weight_decay: {{linspace: [0, 0.01, {root}]}}, train.max_loss: {{linspace: [100, 900, {root}]}}"
    return {
        "a study": SWEEP.format(model="resnet", axes=f"{study}, seed: {{range: {num_trials // 1000}}}"),
        "four nested fields": SWEEP.format(model="resnet", axes=f"{nested}, seed: {{range: {num_trials // 10000}}}"),
        "nested fields only": SWEEP.format(model="resnet", axes=fields),
        "seeds only": SWEEP.format(model="resnet", axes=f"seed: {{range: {num_trials}}}"),
    }


def planned(text: str) -> tuple[float, int, str]:
    """Plan a sweep; return how long it took (seconds), its peak memory (bytes), and how many trials it found."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sweep.yaml").write_text(text)
        started = monotonic()
        command = [sys.executable, "-m", "bnsweep", "plan", "sweep.yaml", "--no-timing"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
            assert process.stdout
            said = process.stdout.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"bnsweep plan ended with {process.returncode}")
        return monotonic() - started, 1024 * used.ru_maxrss, said.split()[1]


if __name__ == "__main__":
    main()
