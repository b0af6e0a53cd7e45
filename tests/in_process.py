"""Commands run in this process: quick, for what a command says, refuses and leaves behind."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from bnsweep.cli import main
from bnsweep.running.gc_tuning import freeze_gc
from bnsweep.running.leaving import Leaving
from tests.processes import complaints


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code and what it printed, but for what it was at where it took long."""

    code: int | str | None
    out: str
    err: str


class Run(Protocol):
    """Runs a command in this process, in the current directory."""

    def __call__(self, *arguments: object) -> Result: ...


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run commands in `tmp_path`; what they change of this process is put back."""

    leaving = list[Leaving]()

    def left_with(at_once: int) -> Leaving:
        leaving.append(Leaving(at_once))
        return leaving[-1]

    def run(*arguments: object) -> Result:
        monkeypatch.setattr("bnsweep.cli.Leaving", left_with)
        monkeypatch.setattr(sys, "argv", ["bnsweep", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Result(end.value.code, out, complaints(err))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    threshold = gc.get_threshold()
    yield run
    gc.set_threshold(*threshold)
    for registered in (freeze_gc, *leaving):
        atexit.unregister(registered)
