"""A sweep of as many trials as one likes, each of which makes one update of a model with one weight."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

SWEEP = """
name: {name}
model: {{name: mlp, widths: [1]}}
dataset: {{name: "{dataset}"}}
train: {{steps: 1, batch_size: 2}}
axes:
  norm: [none, batch]
  init_gain: [0.5, 1.0]
  lr: {{logspace: [0.001, 10, 25]}}
  seed: {{range: {seeds}}}
"""
PER_SEED = 100


def asked_for(doc: str | None, default: int) -> int:
    """Return how many trials the command line asks for."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=default, help=f"a multiple of {PER_SEED}")
    return int(parser.parse_args().trials)


@contextmanager
def sized_sweep(name: str, dataset: str, num_trials: int) -> Iterator[tuple[Path, Path]]:
    """Yield a sweep file of so many trials, and where its results may go, until the end of the block."""
    with TemporaryDirectory() as folder:
        sweep = Path(folder, "sweep.yaml")
        sweep.write_text(SWEEP.format(name=name, dataset=dataset, seeds=num_trials // PER_SEED))
        yield sweep, Path(folder, "out")


def num_files(out: Path) -> int:
    """Return how many files are in a directory of results."""
    return sum(len(files) for _, _, files in os.walk(out))
