"""Pruned trials: a result for a sweep whose pruner stopped them, missing for any other."""

from __future__ import annotations

import numpy as np

from bnsweep.results.keys import Keys, to_texts
from bnsweep.results.merging import Group, merge
from bnsweep.results.writer import Writer


def drop_pruned(writer: Writer, keys: Keys, rule: str | None) -> bool:
    """Take the rows of trials away that another pruner stopped, before they run again; return whether there were any.

    Args:
        writer: has taken the directory over, and committed nothing.
        keys: of the trials that are to be there once.
        rule: that of the pruner whose trials stay; None for none.

    Raises:
        InputError: a file is damaged. StoreError: it cannot be written.
    """
    dropped = np.intersect1d(writer.snapshot.pruned_otherwise(rule), keys)
    if not len(dropped):
        return False
    for file in writer.snapshot.live:
        if file.footer and np.isin(file.keys, dropped).any():
            merge(writer, Group([file.footer]), set(to_texts(dropped)))
    return True
