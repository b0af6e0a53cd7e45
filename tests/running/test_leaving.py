"""The end of a process in which something is still being loaded, and never will be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import HANGS_AFTER_S, wait_until

NEVER_LOADED = """
import os, threading
from pathlib import Path
Path(os.environ["LOADING_FILE"]).touch()
threading.Event().wait()
"""
END_WITH = """
import atexit, sys
from bnsweep.running.leaving import Leaving, load_meanwhile
leaving = atexit.register(Leaving(130))
atexit.register(print, "the others first")
{}
leaving.code = {}
sys.exit({})
"""


@pytest.mark.parametrize(("begin", "code"), [("", 0), ("", 130), ('load_meanwhile("torch")', 2)])
def test_a_process_ends_with_its_code_after_all_that_is_registered(tmp_path: Path, begin: str, code: int) -> None:
    (tmp_path / "torch.py").write_text(NEVER_LOADED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-c", END_WITH.format(begin, code, code)]
    environment["LOADING_FILE"] = str(tmp_path / "loading")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGS_AFTER_S, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "the others first\n", "")


def test_an_interrupt_while_pytorch_is_loaded_ends_the_command(sweep_file: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(NEVER_LOADED)
    loading = tmp_path / "loading"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
        "LOADING_FILE": str(loading),
    }
    command = [sys.executable, "-m", "bnsweep", "run", str(sweep_file()), "--out", "out"]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        wait_until(loading.exists, "PyTorch to be loaded")
        process.send_signal(signal.SIGINT)
        try:
            said, _ = process.communicate(timeout=HANGS_AFTER_S)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said.endswith("interrupted; what was committed is kept; the same command continues\n")
    assert not (tmp_path / "out").exists()
