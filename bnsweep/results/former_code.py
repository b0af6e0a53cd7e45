"""Results of code of the user's own that was edited since under the same name: their keys hold its name alone."""

from __future__ import annotations

import json
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.own_source import code_names, source_sha256
from bnsweep.results.keys import Keys, to_texts
from bnsweep.results.store import Store

CODE = ["model", "trial", "probes", "code_sha256"]
COLUMNS = ["trial_key", *CODE]
ADVICE = (
    "they stay, and are not run again; give another --out, or another name in the sweep file, to run them with the "
    "code as it is, or put the former code back"
)


class FormerCode(NamedTuple):
    """How many of so many results are of former code, and the names of that code."""

    num_former: int
    total: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.num_former} of {self.total} results are of former code: {', '.join(self.names)}, or a module that "
            "it imports, was edited since"
        )


def former_code(store: Store, among: Keys | None = None) -> FormerCode | None:
    """Compare the code that stored trials ran with what is here now under its names; None where none has changed.

    What is not here, and what was stored before its digest was, is not compared.

    Args:
        store: the results.
        among: the keys of the trials that count; all if None.

    Raises:
        InputError: a file is damaged. StoreError: the store cannot be reached.
    """
    rows = store.read("trials", COLUMNS)
    if among is not None:
        rows = rows.filter(pc.is_in(rows["trial_key"].cast(pa.string()), pa.array(to_texts(among), pa.string())))
    known = rows.filter(pc.is_valid(rows["code_sha256"])).select(CODE)
    count, former = 0, dict[str, None]()
    for group in known.group_by(CODE).aggregate([([], "count_all")]).to_pylist():
        names = stored_code_names(group["model"], group["trial"], group["probes"])
        if source_sha256(names) not in (None, group["code_sha256"]):
            count += group["count_all"]
            former |= dict.fromkeys(names)
    return FormerCode(count, len(rows), tuple(former)) if count else None


def stored_code_names(model: str | None, trial: str | None, probes: str | None) -> tuple[str, ...]:
    """Return the names of the user's own code that a stored trial ran, by its columns of `trials`."""
    return code_names(model or "", trial, json.loads(probes or "{}"))
