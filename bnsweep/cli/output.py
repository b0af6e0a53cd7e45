"""Output that cannot be written: the pipe is closed, the device full, the terminal gone."""

from __future__ import annotations

import errno
import io
import os
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

NOBODY_READS = (errno.EPIPE, errno.EIO)
"""A closed pipe, and a terminal that is gone: there is nobody to tell."""
MAX_WIDTH = 10_000
"""Of a line that no terminal shows."""


def escape_what_cannot_be_encoded() -> None:
    """Print a name that is not UTF-8, or that the terminal has no letters for, with backslashes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_aside(message: str) -> None:
    """Print one line on stderr, beside the output, if it can be printed."""
    with suppress(OSError):
        print(f"bnsweep: {message}", file=sys.stderr)  # noqa: T201  # the one place that does


def output_error(stream: TextIO | None, *, is_suspect: bool = False) -> OSError | None:
    """Return why a stream, such as stdout, cannot be written; None where it can, or where it is not open.

    Args:
        stream: it.
        is_suspect: something could not be written; where nothing waits to be, a newline tells whether it was stdout.
    """
    try:
        if stream:
            stream.flush()
            if is_suspect:
                os.write(stream.fileno(), b"\n")
    except io.UnsupportedOperation:  # no file
        return None
    except OSError as error:
        return error
    return None


def discard_output(stream: TextIO, error: OSError) -> None:
    """Write nothing more to stdout, neither what waits to be written, and say so to whoever may still read stderr."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
    if error.errno not in NOBODY_READS:
        print_aside(f"standard output cannot be written ({error.strerror}); write it to another place")


class _Tolerant:
    """A stream, but what cannot be written to it is left out instead of raising."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:
        return self._stream.encoding

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            discard_output(self._stream, error)
            return len(text)

    def flush(self) -> None:
        if error := output_error(self._stream):
            discard_output(self._stream, error)

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


def line_width() -> int:
    """Return how many characters of stdout are a line: of a terminal what it has, of a pipe or file any number."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size().columns if is_terminal else MAX_WIDTH


def tolerant_console() -> Console:
    """Return where a run prints to: it goes on if nobody reads, and what it prints is no markup."""
    from rich.console import Console

    output = _Tolerant(sys.stdout or io.StringIO())  # not open: nobody reads
    return Console(file=cast("TextIO", output), soft_wrap=True, highlight=False, markup=False, emoji=False)
