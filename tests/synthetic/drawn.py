"""Sweeps of known truth whose trials a search draws."""

from __future__ import annotations

import os
from typing import Any

from bnsweep.results import Store
from bnsweep.running.searching import so_far
from bnsweep.spec import TrialSpec
from bnsweep.spec.sweep import Sweep
from tests.synthetic.sweep import write_sweep

TEXT = """
name: synthetic
model: {name: vgg, widths: [16, M, 32, M, 64]}
dataset: {name: digits}
axes:
  norm: [none, batch, noisy_batch]
  lr: {loguniform: [1.0e-3, 10]}
  train.momentum: {uniform: [0, 0.9]}
  init_gain: {loguniform: [0.25, 4]}
  seed: {range: 4}
"""


def write_drawn(directory: str | os.PathLike[str], search: str, text: str = TEXT, **options: Any) -> list[TrialSpec]:
    """Declare and commit the trials of the first round of a search; return them."""
    sweep = Sweep.from_text(f"{text}search: {search}\n")
    specs = list(so_far(sweep, Store.open(directory)).trials)
    return write_sweep(directory, specs, sweep_file=sweep.text, **options)
