"""A small sweep that has finished."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bnsweep.executors import make_executor
from bnsweep.results import Store
from bnsweep.running.plan import Plan
from bnsweep.running.prepare import prepare
from bnsweep.running.run import run
from bnsweep.spec.sweep import Sweep
from tests.bad_inputs.commands import changed

FEW = changed(("[0.1, 1.0e+9]", "[0.1]"), ("{range: 2}", "[0]"))
"""Three trials, one for each norm."""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `few.yaml` and its results in `out`, all three trials in batches of their own."""
    folder = tmp_path_factory.mktemp("finished")
    for norms in ("none", "none, batch", "none, batch, noisy_batch"):  # a run's packs are as long as trials were quick
        (folder / "few.yaml").write_text(FEW.replace("none, batch, noisy_batch", norms))
        sweep, store = Sweep.from_yaml(folder / "few.yaml"), Store.open(folder / "out")
        prepared = prepare(sweep, store, Plan.of(sweep, store))
        assert run(prepared, make_executor("serial"), lambda *_: lambda _: None) == []
    return folder


@pytest.fixture
def damaged(finished: Path, tmp_path: Path) -> Callable[[Callable[[Path], object]], Path]:
    """Copy `finished` to `tmp_path` and damage the copy's results; return their folder."""

    def damage(how: Callable[[Path], object]) -> Path:
        shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
        how(tmp_path / "out")
        return tmp_path / "out"

    return damage
