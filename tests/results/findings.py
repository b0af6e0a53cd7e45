"""What verification finds, and harm for it to find."""

from __future__ import annotations

from bnsweep.cli.maintenance import verify_directory
from bnsweep.results import Store
from bnsweep.results.verify import verify


def found(store: Store) -> dict[str, list[str]]:
    """Return the paths that verification names, by kind."""
    kinds: dict[str, list[str]] = {}
    for problem in verify(store):
        kinds.setdefault(problem.kind, []).append(problem.path)
    return kinds


def repaired(store: Store) -> dict[str, list[str]]:
    """Repair the store; return what is found then."""
    verify_directory(store.root, repair=True)
    return found(store)


def first_file(store: Store, table: str) -> str:
    return f"{table}/{store.files.entries(table)[0].name}"


def spoil(store: Store, name: str) -> None:
    content = store.files.read(name) or b""
    store.files.put(name, content[:-1] + bytes([content[-1] ^ 1]))
