"""What errors say, whoever raised them: as text that can be stored, printed, and shown in one line."""

from __future__ import annotations

import os
import re
import sysconfig
import traceback
from pathlib import Path

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters but for newline and tab, and those that turn the direction of writing."""
INSTALLED = {"site-packages", "dist-packages"}
"""Folders of packages."""
LIBRARIES = (Path(__file__).parent, Path(__file__).parents[1] / "analysis", Path(sysconfig.get_path("stdlib")))
"""Folders of code that is not the user's own, beside packages."""
MAX_LINE = 200
"""Characters of an error that is shown in one line."""


def error_text(error: BaseException) -> str:
    """Return what an error says, as text that can be stored; of one that cannot say it, that."""
    try:
        return storable(str(error))
    except Exception:
        return "(its text cannot be made)"


def with_place(error: BaseException) -> str:
    """Return type and text of an error, with the line of the user's own code that it comes from."""
    place = own_line(error)
    return f"{type(error).__name__}{f' at {place}' if place else ''}: {error_text(error)}"


def without_place(text: str) -> str:
    """Return what `with_place` returns without the line of code, which an edit moves.

    >>> without_place("ValueError at net.py:3: no data at all")
    'ValueError: no data at all'
    """
    return re.sub(r"^(\w+) at [^\n]*?:\d+: ", r"\1: ", text)


def own_line(error: BaseException) -> str | None:
    """Return file and line of the deepest call in the user's own code; None where the error does not come through it.

    Their own is what is neither Python's, nor bnsweep's, nor installed.
    """
    at: BaseException | None = error
    while at is not None:
        for frame in reversed(traceback.extract_tb(at.__traceback__)):
            if is_own(frame.filename):
                return f"{_from_here(frame.filename)}:{frame.lineno}"
        at = at.__cause__
    return None


def is_own(filename: str) -> bool:
    """Return whether a file is the user's own; what was compiled from a text, such as `<string>`, is none."""
    path = Path(filename)
    is_library = not INSTALLED.isdisjoint(path.parts) or any(map(path.is_relative_to, LIBRARIES))
    return path.is_absolute() and not is_library


def _from_here(filename: str) -> str:
    return os.path.relpath(filename) if Path(filename).is_relative_to(os.getcwd()) else filename


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says that is not empty; the name of its type where there is none."""
    return first_line_of(error_text(error)) or type(error).__name__


def first_line_of(text: str) -> str:
    r"""Return the first line of a text that is not empty, without blanks around it.

    >>> first_line_of("\n\n  it is here\nnot here")
    'it is here'
    """
    return next(filter(None, (line.strip() for line in text.split("\n"))), "")


def shown(text: str) -> str:
    r"""Return the text of an error in one line that a terminal can be given.

    >>> shown("ValueError: \n\nred \x1b[31m")
    'ValueError: red \\x1b[31m'
    """
    name, colon, rest = text.partition(": ")
    line = printable(f"{name}{colon}{first_line_of(rest)}" if "\n" not in name else first_line_of(text))
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..."


def printable(text: str) -> str:
    r"""Return text whose control characters are escaped, but for newlines and tabs: a terminal would obey them.

    >>> printable("a title \x1b]0;x\x07\n")
    'a title \\x1b]0;x\\x07\n'
    """
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def storable(text: str) -> str:
    r"""Return text that UTF-8 has codes for; what it has none for, as in the name of a file, is escaped.

    >>> storable("a file \udcff")
    'a file \\udcff'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
