"""`_copy.json`: says that a directory is a copy that `bnsweep fetch` made. Nothing rests on it.

It is there before the first file that is brought; whoever takes the directory over removes it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from bnsweep.results.files import Source
from bnsweep.results.locations import Files

COPY = "_copy.json"


@dataclass(frozen=True)
class CopyOf:
    """What a directory is a copy of.

    Args:
        root: the directory elsewhere.
        is_over: whether the run there had ended when all of it was brought.
    """

    root: str
    is_over: bool

    def __str__(self) -> str:
        """Return in words what it is, and how to get what it lacks."""
        if self.is_over:
            return f"a copy of {self.root}, whose run had ended: submit the sweep again, then `bnsweep fetch` it again"
        return f"a copy of {self.root}, whose run was not over: `bnsweep fetch` it again"


def write_copy_of(files: Files, copy: CopyOf) -> None:
    """Say that a directory is a copy."""
    files.put(COPY, json.dumps(asdict(copy), indent=1).encode())


def read_copy_of(files: Source) -> CopyOf | None:
    """Return what a directory is a copy of; None where it is none, or that cannot be read."""
    try:
        return CopyOf(**json.loads(files.read(COPY) or b"null"))
    except (ValueError, TypeError):
        return None
