"""The search of a sweep whose trials it drew from ranges, for whoever reads results: what it was, and where each is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from bnsweep.spec.product import section_and_field
from bnsweep.spec.ranges import Range
from bnsweep.spec.search import DRAWING
from bnsweep.spec.sweep import Sweep, has_ranges

__all__ = ["DRAWING", "DrawnSearch"]


@dataclass(frozen=True)
class DrawnSearch:
    """A search that draws, as a sweep file has it.

    Args:
        name: of the search, one of `DRAWING`.
        ranges: what it draws from, by axis.
    """

    name: str
    ranges: Mapping[str, Range]

    @classmethod
    def of(cls, sweep_file: str) -> Self | None:
        """Return the search of a sweep file by its text; None where no axis is a range.

        Raises:
            InputError: one is, and the file cannot be read.
        """
        sweep = Sweep.from_text(sweep_file) if has_ranges(sweep_file) else None
        return cls(sweep.search.name, sweep.drawn.ranges) if sweep and sweep.drawn else None

    @property
    def paths(self) -> set[tuple[str, ...]]:
        """Where these axes are in a trial's spec."""
        return {tuple(name.split(".")) for name in self.ranges}

    def values(self, spec: str) -> dict[str, float]:
        """Return where the trial with this stored spec is, by axis."""
        fields, found = json.loads(spec), dict[str, float]()
        for name in self.ranges:
            section, field = section_and_field(name)
            found[name] = float((fields[section] if section else fields)[field])
        return found
