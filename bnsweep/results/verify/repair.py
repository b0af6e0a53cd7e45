"""Repair: what can be put right without losing a sound row that was committed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from bnsweep.results.duplicates import remove_duplicates
from bnsweep.results.files import ASIDE, Files, write
from bnsweep.results.manifest import FileRecord, Manifest, file_name, manifest_name
from bnsweep.results.recover import FOREIGN, set_aside
from bnsweep.results.replace import JOURNAL, finish
from bnsweep.results.store import Store
from bnsweep.results.verify.inventory import Inventory
from bnsweep.results.verify.problem import Problem

DAMAGED = "_damaged"


def repair(store: Store, problems: Sequence[Problem]) -> list[str]:
    """Act on problems; return what was done, a line each. To be called under the lock, and again until it does nothing.

    Torn files are deleted, foreign ones moved away. A batch with a damaged or a missing file is moved away whole, so
    that its trials count as missing and run again. A damaged manifest is written anew where the files are sound.
    """
    files, by_kind = store.files, dict[str, list[str]]()
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem.path)
    if "unfinished" in by_kind:
        finish(files)
        return ["finished what was cut off"]
    done = _remove(files, by_kind.get("torn", []) + _removable(files, by_kind.get("record", [])))
    for name in by_kind.get("foreign", []):
        done.append(f"moved {name} to {set_aside(files, name, FOREIGN)}")
    inventory = Inventory.of(files)
    spoilt = {_batch(name) for name in by_kind.get("damaged", []) + by_kind.get("missing", [])}
    for batch in sorted(spoilt & inventory.committed.keys()):
        done += _set_batch_aside(files, inventory, batch)
    unknown = {_batch(name) for name in by_kind.get("manifest", [])} - spoilt
    for batch in sorted(unknown & inventory.committed.keys()):
        write(files, manifest_name(batch), _manifest_of(files, inventory, batch).encode())
        done.append(f"wrote {manifest_name(batch)} anew")
    if "duplicate" in by_kind and not spoilt and not unknown:
        done += [f"kept trial {key} in one commit" for key in remove_duplicates(files)]
    return done


def _remove(files: Files, names: Sequence[str]) -> list[str]:
    files.delete(names)
    return [f"removed {name}" for name in names]


def _removable(files: Files, records: Sequence[str]) -> list[str]:
    """Return those that nothing depends on: not a journal while files of a replacement wait for it."""
    is_needed = bool(files.entries(ASIDE))
    return [name for name in records if not (name == JOURNAL and is_needed)]


def _batch(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0]


def _set_batch_aside(files: Files, inventory: Inventory, batch: str) -> list[str]:
    """Move the files of a batch away, the one that commits it last: a kill in between leaves it in need of repair."""
    last = inventory.committed[batch]
    names = [file_name(table, batch) for table in inventory.tables_of(batch) if table != last]
    names += [manifest_name(batch)] if batch in inventory.manifests else []
    return [f"moved {name} to {set_aside(files, name, DAMAGED)}" for name in [*names, file_name(last, batch)]]


def _manifest_of(files: Files, inventory: Inventory, batch: str) -> Manifest:
    """Return the manifest of files that were found to be sound."""
    keys, records = list[str](), []
    for table in inventory.tables_of(batch):
        content = files.read(file_name(table, batch)) or b""
        rows = pq.ParquetFile(pa.BufferReader(content)).read(["trial_key"])
        keys = rows["trial_key"].to_pylist() if table == "trials" else keys
        records.append(FileRecord(table, rows.num_rows, len(content), hashlib.sha256(content).hexdigest()))
    return Manifest(batch, tuple(keys), tuple(records))
