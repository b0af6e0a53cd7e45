"""Copies of the results for the tools that people look with: `log_to` in a sweep file.

The Parquet is the truth, and a copy is made of nothing but what is committed. A process beside the run, which holds up
none of it, follows the results directory (`python -m bnsweep.copies`) and adds whatever trial a copy lacks, by its key.
So a copy needs no bookkeeping: one that was cut off is brought up to date by the next run, and nothing is in it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from bnsweep.copies.copy import EVENT_FILES, JOURNAL, Copy
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.spec.sweep import CopyName


def tensorboard(root: str) -> Copy:
    """Return the event files in a results directory."""
    from bnsweep.copies.tensorboard import EventFiles  # what it needs may be gone, which stops this copy alone

    return EventFiles(root)


def optuna(root: str) -> Copy:
    """Return the Optuna studies in a results directory."""
    from bnsweep.copies.optuna import Studies

    return Studies(root)


COPIES: dict[CopyName, Callable[[str], Copy]] = {"tensorboard": tensorboard, "optuna": optuna}
"""What the sweep file names -> the copy in a results directory."""
LOOK_WITH: dict[CopyName, str] = {
    "tensorboard": f"tensorboard --logdir {{}}/{EVENT_FILES}",
    "optuna": f"optuna-dashboard {{}}/{JOURNAL}",
}
"""The command that shows the copy in a results directory."""


def require_copies(log_to: Sequence[CopyName], store: Store) -> None:
    """Raise InputError where a copy cannot be made: results are not on a disk, or a package is missing."""
    if log_to and not store.is_local:
        raise InputError(
            f"log_to: {', '.join(log_to)} is written beside results on a disk, and these are at {store.root}; leave "
            "it out (--set ~log_to); or fetch the results, and run the sweep there (--out DIR), which makes the copies"
        )
    for name in log_to:
        if find_spec(name) is None:
            raise InputError(
                f"log_to: the package {name} is not installed here; `pip install {name}`, or leave it out "
                f"(--set ~log_to): a run with it later copies what is stored"
            )
