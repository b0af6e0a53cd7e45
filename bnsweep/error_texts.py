"""What errors say, whoever raised them: as text that can be stored, printed, and shown in one line."""

from __future__ import annotations

import re

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters but for newline and tab, and those that turn the direction of writing."""
MAX_LINE = 200
"""Characters of an error that is shown in one line."""


def error_text(error: BaseException) -> str:
    """Return what an error says, as text that can be stored; of one that cannot say it, that."""
    try:
        return storable(str(error))
    except Exception:
        return "(its text cannot be made)"


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
