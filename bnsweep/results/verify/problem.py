"""What verification finds: kinds of damage and loss, and what helps against each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bnsweep.results.copied import CopyOf
from bnsweep.results.former_code import ADVICE

REMEDIES = {
    "unfinished": "a merge was cut off; the next run, `bnsweep compact` or `bnsweep verify --repair` removes it",
    "gap": "run the sweep again: it makes what is missing",
    "search": "run the sweep again: it goes on where the search is",
    "unnumbered": "nothing needs to be done: their rows count, and the next run or `bnsweep compact` takes them in",
    "undeclared": "nothing needs to be done: the rows stay, and reports leave them out",
    "torn": "a run was cut off; `bnsweep verify --repair` removes it, as does the next run",
    "foreign": "`bnsweep verify --repair` moves it to _foreign/",
    "damaged": "`bnsweep verify --repair` moves its commit to _damaged/, and the next run makes those trials anew",
    "missing": "`bnsweep verify --repair` moves its commit to _damaged/, and the next run makes those trials anew",
    "duplicate": "`bnsweep verify --repair` keeps one of each",
    "drift": "another version of bnsweep wrote it, or another program; move it away",
    "key": "another version of bnsweep wrote them, or they were changed; leave them out of what you compare",
    "code": ADVICE,
    "declaration": "run the sweep again: it writes it anew",
    "record": "`bnsweep verify --repair` removes it; no result is in it",
}
"""What to do, by kind."""

COPY_REMEDIES = {
    "gap": "this is {copy}",
    "search": "this is {copy}",
    "declaration": "this is a copy of {copy.root}: `bnsweep fetch` it again",
    "torn": "this is a copy of {copy.root}, and a fetch was cut off: `bnsweep fetch` it again",
    "unfinished": "this is a copy of {copy.root}, and a fetch was cut off: `bnsweep fetch` it again",
    "damaged": "this is a copy of {copy.root}: `bnsweep fetch` it into a new directory",
    "missing": "this is a copy of {copy.root}: `bnsweep fetch` it into a new directory",
}
"""What to do where a copy is not as it should be: a run there would make it another directory."""

NOTES = frozenset({"undeclared", "unnumbered", "code"})
"""Kinds that nothing needs to be done about."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with a results directory, or a note.

    Args:
        kind: a key of `REMEDIES`.
        path: the file or folder, relative to the directory.
        what: what is wrong with it.
        copy: what the directory is a copy of; None where it is none.
    """

    kind: str
    path: str
    what: str
    copy: CopyOf | None = None

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self.copy and self.kind in COPY_REMEDIES:
            return COPY_REMEDIES[self.kind].format(copy=self.copy)
        return REMEDIES[self.kind]

    @property
    def is_note(self) -> bool:
        """Whether nothing is wrong, and this is only worth knowing."""
        return self.kind in NOTES

    def __str__(self) -> str:
        return f"{self.kind}: {self.path}: {self.what}; {self.remedy}"


def some(names: Collection[str | None], limit: int = 3) -> str:
    """Return how many there are and the first of them, as in `5: a, b, c, ...`."""
    shown = sorted(map(str, names))[:limit]
    return f"{len(names)}: {', '.join(shown)}{', ...' if len(names) > limit else ''}"
