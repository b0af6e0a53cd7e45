"""The semantics version of stored trials: trials of different versions are never measured together.

It is bumped whenever the same spec would give other numbers. The column is null in files that are older than it.
"""

from __future__ import annotations

import pandas as pd

from bnsweep.errors import InputError

COLUMN = "semantics_version"
FIRST_STORED = 4
"""The first version that is stored with each trial."""


def version_counts(trials: pd.DataFrame) -> dict[str, int]:
    """Return how many trials there are of each semantics version, the oldest first: {'before 4': 90, '4': 12}."""
    if COLUMN not in trials:
        return {f"before {FIRST_STORED}": len(trials)}
    versions = trials[COLUMN].fillna(0).astype(int)
    counts = versions.value_counts().sort_index()
    return {str(version) if version else f"before {FIRST_STORED}": int(count) for version, count in counts.items()}


def check_one_version(trials: pd.DataFrame, place: str) -> None:
    """Refuse trials of several semantics versions.

    Raises:
        InputError: there are such; the message says how many of each.
    """
    counts = version_counts(trials)
    if len(counts) > 1:
        found = ", ".join(f"{count} of {version}" for version, count in counts.items())
        raise InputError(
            f"{place}: holds trials of several semantics versions ({found}), between which the same spec gives other "
            "numbers. Run the sweep again into this directory: it trains what is missing of this version, and the "
            "older trials are set apart"
        )
