"""Commands run in this process, and a small sweep that has finished."""

from __future__ import annotations

import atexit
import gc
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bnsweep.cli import main
from bnsweep.running.gc_tuning import freeze_gc
from tests.bad_inputs.commands import Result, Run, changed
from tests.processes import bnsweep

FEW = changed(("[0.1, 1.0e+9]", "[0.1]"), ("{range: 2}", "[0]"))
"""Three trials, one for each norm."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run commands in `tmp_path`; what they change of this process is put back."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["bnsweep", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return Result(end.value.code, *capsys.readouterr())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    threshold = gc.get_threshold()
    terminate = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, terminate)
    gc.set_threshold(*threshold)
    atexit.unregister(freeze_gc)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `few.yaml` and its results in `out`, all three trials in batches of their own."""
    folder = tmp_path_factory.mktemp("finished")
    for norms in ("none", "none, batch", "none, batch, noisy_batch"):  # a run's packs are as long as trials were quick
        (folder / "few.yaml").write_text(FEW.replace("none, batch, noisy_batch", norms))
        result = bnsweep("run", "few.yaml", "--executor", "serial", "--out", "out", cwd=folder)
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def damaged(finished: Path, tmp_path: Path) -> Callable[[Callable[[Path], object]], Path]:
    """Copy `finished` to `tmp_path` and damage the copy's results; return their folder."""

    def damage(how: Callable[[Path], object]) -> Path:
        shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
        how(tmp_path / "out")
        return tmp_path / "out"

    return damage
