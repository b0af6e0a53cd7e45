"""The log of a worker: what its process writes to standard error, and what it prints."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

MAX_TAIL_BYTES = 64 * 1024
ERRORS, PRINTED = ".err", ".out"
"""How Ray names the two files of a worker."""


class WorkerLog:
    """The file that a process's standard error goes to, and the one beside it for standard output.

    Args:
        path: of the former; None for a terminal or a pipe.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._sizes_at_mark: dict[str, int] = {}

    @classmethod
    def of_this_process(cls) -> Self:
        """Return the log of the process that calls."""
        try:
            target = os.readlink("/proc/self/fd/2")
        except OSError:
            return cls(None)
        return cls(target if os.path.isfile(target) else None)

    def mark(self) -> None:
        """From here on is what `tail` returns."""
        self._sizes_at_mark = {name: os.path.getsize(name) for name in self._files()}

    def tail(self) -> str | None:
        """Return the end of what was written since the mark, `MAX_TAIL_BYTES` at most; None where there is no file."""
        files = self._files()
        if not files:
            return None
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # closed, or never open
                stream.flush()
        ends = (_end(name, self._sizes_at_mark.get(name, 0), MAX_TAIL_BYTES // len(files)) for name in files)
        return "".join(ends)

    def _files(self) -> list[str]:
        return [name for name in log_files(self.path) if os.path.isfile(name)] if self.path else []


def log_files(path: str) -> list[str]:
    """Return the files of a worker whose standard error goes to `path`."""
    return [path, path.removesuffix(ERRORS) + PRINTED] if path.endswith(ERRORS) else [path]


def _end(name: str, start: int, max_bytes: int) -> str:
    with Path(name).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - max_bytes))
        return file.read().decode(errors="replace")
