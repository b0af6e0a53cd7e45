"""Whether a batch, the files of one commit, is whole: every byte as it was written, and every row where it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from bnsweep.results.batches import drift
from bnsweep.results.files import Files
from bnsweep.results.manifest import Manifest, batch_name, file_name, manifest_name
from bnsweep.results.schema import ROW_KEYS
from bnsweep.results.verify.problem import Problem, some
from bnsweep.spec import TrialSpec


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
    problems += [found for table in rows for found in _check_rows(table, batch, rows[table], keys)]
    if last == "trials" and keys is not None:
        problems += _check_trials(batch, rows[last], keys)
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
    row_key = [column for column in ROW_KEYS.get(table, ()) if column in rows.column_names]
    if row_key and (repeated := rows.num_rows - rows.group_by(row_key).aggregate([]).num_rows):
        problems.append(Problem("damaged", name, f"has {repeated} rows twice"))
    return problems


def _check_trials(batch: str, trials: pa.Table, keys: list[str]) -> list[Problem]:
    """Check that the trials are those that the batch is named by, and that their specs are those of their keys."""
    name = file_name("trials", batch)
    if batch_name(keys) != batch:
        return [Problem("damaged", name, "holds other trials than its name says")]
    specs = trials["spec"].to_pylist() if "spec" in trials.column_names else [None] * len(keys)
    changed = {key for key, spec in zip(keys, specs, strict=True) if _key_of(spec) != key}
    if not changed:
        return []
    return [Problem("key", name, f"has trials whose spec is not that of their key, {some(changed)}")]


def _key_of(spec: str | None) -> str | None:
    try:
        return None if spec is None else TrialSpec.model_validate_json(spec).trial_key
    except ValidationError:
        return None
