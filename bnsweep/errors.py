"""The one exception that means: the user can mend this."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input: a message that names what was wrong, where, and what would be right.

    The command line prints the message alone, without a traceback, and exits with 2.
    """


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """Return `allowed: a, b, c; did you mean 'b'?` for a name that is none of `allowed`."""
    names = sorted(allowed)
    close = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"allowed: {', '.join(names)}{hint}"
