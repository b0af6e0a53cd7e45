"""The exceptions that mean: the user can mend this. The command line prints their message alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input: a message that names what was wrong, where, and what would be right.

    The command line exits with 2.
    """


class StoreError(Exception):
    """The results cannot be written or read just now: disk full, directory read-only, object store away.

    The message says what failed, where, that what was committed is unharmed, and how to go on. The command line exits
    with 1.
    """


class Superseded(StoreError):  # noqa: N818  # says what happened, as KeyboardInterrupt does
    """Another run has taken the directory over: this one must not commit any more."""


class StartError(Exception):
    """What runs trials cannot be started on this machine just now: it is too busy, or short of memory.

    The message says what to do. The command line exits with 1.
    """


class DeviceLost(Exception):  # noqa: N818  # says what happened, as KeyboardInterrupt does
    """A worker's process can use its GPU no more; another process may.

    The message is one line. The command line exits with 1.
    """


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """Return `allowed: a, b, c; did you mean 'b'?` for a name that is none of `allowed`."""
    names = sorted(allowed)
    same = [name for name in names if name.lower() == str(given).lower()]
    close = same or difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"allowed: {', '.join(names)}{hint}"
