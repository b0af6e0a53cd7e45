"""The command runs, and the work of a step is what it is by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from benchmarks.fusion.floor import Rates, Work, work_of
from benchmarks.fusion.models import PROGRAMS, trials
from bnsweep.data import load_dataset
from bnsweep.spec.fusing import program_of

OPTIONS = ("--members", "2", "--rounds", "2", "--norms", "batch", "--processes", "2", "--measured")


@pytest.mark.long
def test_the_command_runs() -> None:
    command = [sys.executable, "-m", "benchmarks.fusion", *OPTIONS, "--models", "mlp [64, 64]", "transformer, 8x8"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    head, _, *rows = (line for line in printed.splitlines() if line.startswith("|"))
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in (head, *rows)]
    assert [len(row) for row in cells] == [12, 12, 12]
    mlp, transformer = (dict(zip(cells[0], row, strict=True)) for row in cells[1:])
    assert all(float(value) > 0 for name, value in mlp.items() if name.endswith(", ms"))
    assert len(mlp["memory, MB"].split("; ")) == 4
    assert (transformer["as one, ms"], transformer["alone / as one"]) == ("-", "trained in turn")
    assert "CUDA graphs: not measured" in printed


def test_the_work_of_a_step_is_that_of_its_layers() -> None:
    """Three products for each layer but the first, which has no gradient of its inputs; five passes over parameters."""
    (one,) = trials(PROGRAMS["mlp [64, 64]"], "none", 1, steps=3)
    work = work_of(one, load_dataset(one.dataset))
    samples, layers = 64, ((64, 64), (64, 64), (64, 10))
    products = [2 * samples * inputs * outputs for inputs, outputs in layers]
    assert work.operations == 3 * sum(products) - products[0]
    parameters = 4 * sum(inputs * outputs + outputs for inputs, outputs in layers)
    kept = 4 * samples * sum(inputs for inputs, _ in layers)
    assert work.num_bytes >= 5 * parameters + 2 * kept
    assert work.num_bytes < 5 * parameters + 4 * kept


def test_the_floor_is_the_slower_of_both() -> None:
    rates = Rates(operations=1e9, num_bytes=1e8)
    assert Work(10**6, 10**6).floor_ms(rates) == pytest.approx(10)
    assert Work(10**8, 10**6).floor_ms(rates) == pytest.approx(100)


@pytest.mark.parametrize("name", PROGRAMS)
def test_trials_of_a_program_are_of_one(name: str) -> None:
    specs = list(trials(PROGRAMS[name], "batch", 3, steps=31, is_measured=True))
    assert len({program_of(spec) for spec in specs}) == 1
    assert len({spec.trial_key for spec in specs}) == 3
    assert torch.isfinite(load_dataset(specs[0].dataset).train_x.float()).all()
