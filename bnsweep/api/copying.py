"""`log_to`: the process beside a run that keeps copies of its results."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from threading import Thread
from typing import Self

from bnsweep.copies import LOOK_WITH
from bnsweep.spec.sweep import Sweep

SAY_AFTER_S, END_WITHIN_S = 3.0, 60.0
"""How long the end of a run waits for its copies without a word, and at all."""


class Copying:
    """Has copies of the results in a directory kept; a context manager, at whose end they are up to date.

    Nothing that becomes of them touches the run.

    Args:
        sweep: what it logs to, if anything.
        directory: of the results.
        say: told in a line what becomes of them.
    """

    def __init__(self, sweep: Sweep, directory: str, say: Callable[[str], object]) -> None:
        self._names, self._directory, self._say, self._has_said = sweep.log_to, directory, say, False
        self._process: subprocess.Popen[str] | None = None
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Begin, once the directory is the run's."""
        if self._names and self._process is None:
            for name in self._names:
                self._say(f"log_to: {LOOK_WITH[name].format(self._directory)}")
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "bnsweep.copies", self._directory, *self._names],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    start_new_session=True,  # a Ctrl-C is not for it
                )
            except OSError as error:
                self._names = ()
                self._say(f"log_to: nothing is copied ({error}); the results themselves are unharmed")
                return
            self._thread = Thread(target=self._pass_on, args=(self._process,), name="copies", daemon=True)
            self._thread.start()

    def _pass_on(self, process: subprocess.Popen[str]) -> None:
        """Say what it says, until it ends."""
        assert process.stdout is not None, "it is a pipe"
        with process.stdout as lines:
            for line in lines:
                self._has_said = True
                self._say(line.rstrip())
        process.wait()

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Have it add what was committed last; wait for that unless the run ended by an error."""
        if kind is None:
            self.begin()
        if self._process is not None:
            assert self._process.stdin is not None, "it is a pipe"
            self._process.stdin.close()
            if kind is None and self._thread:
                self._wait(self._process, self._thread)

    def _wait(self, process: subprocess.Popen[str], thread: Thread) -> None:
        thread.join(SAY_AFTER_S)
        if thread.is_alive():
            self._say("log_to: the copies are being brought up to date")
            thread.join(END_WITHIN_S)
        if thread.is_alive():
            process.kill()
            self._say("log_to: the copies are not up to date yet; the next run of the same sweep goes on with them")
        elif process.returncode and not self._has_said:
            how = f"exit code {process.returncode}"
            self._say(f"log_to: the copies are not up to date ({how}); the results themselves are unharmed")
