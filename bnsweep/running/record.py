"""`_asked.json`: what a sampler has answered, so that nobody computes it again, nor elsewhere to other digits.

It says nothing that results do not: one that is lost or damaged is computed anew. The coordinator alone writes it.
"""

from __future__ import annotations

from typing import Any

from bnsweep.results import Store
from bnsweep.results.declaration import seal, unseal

ASKED = "_asked.json"


def read_record(store: Store) -> dict[str, Any]:
    """Return what was answered by what was asked; nothing where that cannot be told.

    Raises:
        StoreError: the store cannot be reached.
    """
    content = store.files.read(ASKED)
    try:
        return {} if content is None else unseal(content)
    except ValueError:
        return {}


def keep_record(store: Store, record: dict[str, Any]) -> None:
    """Write what was answered."""
    store.files.put(ASKED, seal(record))
