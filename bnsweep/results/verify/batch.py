"""Whether a batch, the files of one commit, is whole: every byte as it was written, and every row where it belongs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from bnsweep.results.batches import drift
from bnsweep.results.files import Files
from bnsweep.results.manifest import Manifest, batch_name, file_name, manifest_name
from bnsweep.results.tables import ROW_KEYS
from bnsweep.results.verify.problem import Problem, some
from bnsweep.spec import TrialSpec

Specs = Mapping[str, TrialSpec | None]


@dataclass(frozen=True)
class Checked:
    """What was found of a batch, and which trials it holds, as far as that can be read."""

    problems: list[Problem] = field(default_factory=list)
    trial_keys: list[str] = field(default_factory=list)


def check_batch(files: Files, batch: str, last: str, tables: Sequence[str]) -> Checked:
    """Read all files of a batch once, and compare them with its manifest and with one another.

    Args:
        files: where they are.
        batch: its name.
        last: the table whose file commits it: trials or failures.
        tables: those in which it has a file.
    """
    manifest, problems = _manifest(files, batch)
    rows = dict[str, pa.Table]()
    for table, content in zip(tables, files.read_many([file_name(table, batch) for table in tables]), strict=True):
        name = file_name(table, batch)
        record = manifest.record(table) if manifest else None
        if content is None:
            continue
        if manifest and record is None:
            problems.append(Problem("foreign", name, "is not in the manifest of its commit"))
        elif record and not record.matches(content):
            problems.append(Problem("damaged", name, "differs from what was written"))
        elif (read := _read_parquet(content)) is None:
            problems.append(Problem("damaged", name, "is not readable"))
        else:
            rows[table] = read
    recorded = {record.table for record in manifest.files} if manifest else set()
    problems += [Problem("missing", file_name(table, batch), "is gone") for table in sorted(recorded - {*tables})]
    keys = rows[last]["trial_key"].to_pylist() if last in rows and "trial_key" in rows[last].column_names else None
    specs = _specs(rows[last]) if last == "trials" and keys is not None else {}
    problems += [found for table in rows for found in _check_rows(table, batch, rows[table], keys)]
    if last == "trials" and keys is not None:
        problems += _check_trials(batch, keys, specs)
    known = keys if keys is not None else manifest.trial_keys if manifest else []
    return Checked(problems, list(known) if last == "trials" else [])


def _manifest(files: Files, batch: str) -> tuple[Manifest | None, list[Problem]]:
    content = files.read(manifest_name(batch))
    if content is None:
        return None, [Problem("manifest", manifest_name(batch), "is gone")]
    try:
        manifest = Manifest.decode(content)
    except ValueError as error:
        return None, [Problem("manifest", manifest_name(batch), f"is damaged ({error})")]
    if manifest.batch != batch:
        return None, [Problem("manifest", manifest_name(batch), f"is that of commit {manifest.batch}")]
    return manifest, []


def _read_parquet(content: bytes) -> pa.Table | None:
    try:
        return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()
    except (pa.ArrowException, OSError):
        return None


def _check_rows(table: str, batch: str, rows: pa.Table, keys: list[str] | None) -> list[Problem]:
    """Check the columns of a file, that its rows are of trials of the batch, and that no row is there twice.

    The latter only of tables with a key: in others equal rows may be meant.
    """
    name = file_name(table, batch)
    if differs := drift(table, rows.schema):
        return [Problem("drift", name, differs)]
    if "trial_key" not in rows.column_names:
        return [Problem("damaged", name, "has no column trial_key")]
    problems = []
    strangers = set(rows["trial_key"].unique().to_pylist()) - set(keys or ())
    if keys is not None and strangers:
        problems.append(Problem("damaged", name, f"has rows of trials that its commit has not, {some(strangers)}"))
    if repeated := _count_repeated(table, rows):
        problems.append(Problem("damaged", name, f"has {repeated} rows twice"))
    return problems


def _count_repeated(table: str, rows: pa.Table) -> int:
    """Return how many rows are there once more than they should be; of those that lack a part of the key, none."""
    row_key = ROW_KEYS.get(table, ())
    if not row_key or not {*row_key} <= {*rows.column_names}:
        return 0
    counts = rows.select(row_key).drop_null().group_by(row_key).aggregate([([], "count_all")])["count_all"]
    return (pc.sum(counts).as_py() or 0) - len(counts)


def _check_trials(batch: str, keys: list[str], specs: Specs) -> list[Problem]:
    """Check that the trials are those that the batch is named by, and that their specs are those of their keys."""
    name = file_name("trials", batch)
    if batch_name(keys) != batch:
        return [Problem("damaged", name, "holds other trials than its name says")]
    changed = {key for key in keys if (spec := specs[key]) is None or spec.trial_key != key}
    if not changed:
        return []
    return [Problem("key", name, f"has trials whose spec is not that of their key, {some(changed)}")]


def _specs(trials: pa.Table) -> Specs:
    """Return the spec of each trial by its key; None where it cannot be read."""
    texts = trials["spec"].to_pylist() if "spec" in trials.column_names else [None] * trials.num_rows
    return {key: _spec_of(text) for key, text in zip(trials["trial_key"].to_pylist(), texts, strict=True)}


def _spec_of(text: str | None) -> TrialSpec | None:
    try:
        return None if text is None else TrialSpec.model_validate_json(text)
    except ValidationError:
        return None
