"""Verification: whether everything that was declared is stored, once, and as it was written."""

from __future__ import annotations

from collections.abc import Mapping

from bnsweep.results import checkpoints
from bnsweep.results.duplicates import surplus
from bnsweep.results.fence import RUN, STOP
from bnsweep.results.files import Files
from bnsweep.results.manifest import file_name
from bnsweep.results.replace import JOURNAL, is_pending
from bnsweep.results.seal import read_sealed
from bnsweep.results.store import DECLARED, Store
from bnsweep.results.verify.batch import check_batch
from bnsweep.results.verify.finding import Finding, some
from bnsweep.results.verify.inventory import Inventory

__all__ = ["Finding", "verify"]


def verify(store: Store) -> list[Finding]:
    """Read every byte of a store once; return all that is to be said about it, in the order of `path`.

    Whatever a run is writing at the moment may look torn.
    """
    files = store.files
    records = _check_records(files)
    if not any(found.path == JOURNAL for found in records) and is_pending(files):
        return [Finding("unfinished", JOURNAL, "a compaction or repair was cut off")]
    inventory = Inventory.of(files)
    findings, keys = records + inventory.loose() + _check_checkpoints(files), dict[str, list[str]]()
    for batch, last in sorted(inventory.committed.items()):
        checked = check_batch(files, batch, last, inventory.tables_of(batch))
        findings += checked.findings
        keys[batch] = checked.trial_keys
    findings += _check_duplicates(keys) + _check_declaration(files, keys)
    return sorted(findings, key=lambda finding: (finding.path, finding.kind))


def _check_records(files: Files) -> list[Finding]:
    """Check the small files that hold no results."""
    findings = []
    for name in (RUN, STOP, JOURNAL):
        try:
            read_sealed(files, name)
        except ValueError as error:
            findings.append(Finding("record", name, f"is damaged ({error})"))
    return findings


def _check_checkpoints(files: Files) -> list[Finding]:
    return [
        Finding("record", f"{checkpoints.CHECKPOINTS}/{key}", "is damaged; its trial starts anew")
        for key in sorted(checkpoints.keys(files))
        if checkpoints.load(files, key) is None
    ]


def _check_duplicates(keys: Mapping[str, list[str]]) -> list[Finding]:
    return [
        Finding("duplicate", file_name("trials", batch), f"has trials that another batch has too, {some(again)}")
        for batch, again in surplus(keys).items()
    ]


def _check_declaration(files: Files, keys: Mapping[str, list[str]]) -> list[Finding]:
    """Compare what is stored with what was declared last."""
    stored = {key for batch in keys.values() for key in batch}
    try:
        found = read_sealed(files, DECLARED)
    except ValueError as error:
        return [Finding("declaration", DECLARED, f"is damaged ({error})")]
    if found is None:
        return [Finding("declaration", DECLARED, "is gone")] if stored else []
    wanted = set(found["trial_keys"])
    findings = []
    if gaps := wanted - stored:
        findings.append(
            Finding("gap", DECLARED, f"of {len(wanted)} declared trials these have no result, {some(gaps)}")
        )
    if more := stored - wanted:
        findings.append(Finding("undeclared", DECLARED, f"does not declare these stored trials, {some(more)}"))
    return findings
