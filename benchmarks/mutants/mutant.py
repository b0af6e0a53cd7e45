"""One mistake: what of a file is replaced by what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """A mistake in a file of `bnsweep/`.

    Args:
        what: in words.
        file: relative to `bnsweep/`.
        old: text that is there exactly once.
        new: what takes its place.
    """

    what: str
    file: str
    old: str
    new: str

    def make(self, root: Path) -> None:
        """Make the mistake in a copy of the code.

        Raises:
            ValueError: the text is not there exactly once.
        """
        path = root / "bnsweep" / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.what}: {self.file} has its text {text.count(self.old)} times, not once")
        path.write_text(text.replace(self.old, self.new))
