"""What is left to say of a run when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnsweep.api.results import load

if TYPE_CHECKING:
    from analysis import Results


@dataclass(frozen=True)
class Outcome:
    """Where a run left its results, and which of the declared trials have none."""

    directory: str
    """A path, or a URI such as s3://bucket/folder."""
    num_trials: int
    """How many trials are declared."""
    left: tuple[str, ...] = field(repr=False)
    """Keys of those without a result: they failed or, where the run was stopped, did not run."""
    is_stopped: bool
    """Whether it ended before its end, by Ctrl-C or since its time was up; the next run continues."""
    is_out_of_time: bool
    """Whether its time was up."""

    @property
    def num_done(self) -> int:
        """How many trials have a result, those of earlier runs included; a diverged one has one."""
        return self.num_trials - len(self.left)

    def load(
        self,
        *,
        norms: Iterable[str] | None = None,
        columns: Mapping[str, Sequence[str]] | None = None,
        steps: tuple[int, int] | None = None,
    ) -> Results:
        """Return the results as frames, as `bnsweep.load` does.

        Raises:
            InputError: no trial has a result, or they have not what is asked of them.
        """
        return load(self.directory, norms=norms, columns=columns, steps=steps)
