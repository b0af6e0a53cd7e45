"""Whether a commit is whole: every byte as it was written, and every row where it belongs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from bnsweep.results.commits import Footer, read_parquet
from bnsweep.results.locations import Files
from bnsweep.results.tables import ROW_KEYS, drift
from bnsweep.results.verify.problem import Problem, some
from bnsweep.spec import TrialSpec


@dataclass(frozen=True)
class Checked:
    """What was found of a file or a commit, and which trials it holds, as far as that can be read."""

    problems: list[Problem] = field(default_factory=list)
    trial_keys: list[str] = field(default_factory=list)


def check_commit(files: Files, name: str, footer: Footer) -> Checked:
    """Read all files of a commit once, and compare them with its footer and with one another.

    Args:
        files: where they are.
        name: of its file in `trials/`, which was found to be as it was written.
        footer: what that says.
    """
    trials, problem = _read(files.read(name), name)
    if trials is None:
        return Checked([problem] if problem else [])
    keys = trials["trial_key"].to_pylist()
    problems = _check_rows("trials", name, trials, keys) + _check_specs(name, trials)
    names = [record.name for record in footer.files]
    for record, content in zip(footer.files, files.read_many(names), strict=True):
        if content is not None and not record.matches(content):
            problems.append(Problem("damaged", record.name, "differs from what was written"))
            continue
        rows, problem = _read(content, record.name)
        problems += [problem] if problem else []
        if rows is not None:
            problems += _check_rows(record.table, record.name, rows, None if record.table == "failures" else keys)
    return Checked(problems, keys)


def check_unnumbered(files: Files, name: str, known: Collection[str] | None = None) -> Checked:
    """Read a file that an earlier version wrote, or another program; its rows should be of `known` trials."""
    table = name.partition("/")[0]
    rows, problem = _read(files.read(name), name)
    if rows is None:
        return Checked([problem] if problem else [])
    problems = _check_rows(table, name, rows, None)
    if known is not None and table != "failures" and (strangers := set(_keys(rows)) - set(known)):
        problems.append(Problem("foreign", name, f"has rows of trials that are not stored, {some(strangers)}"))
    if table == "trials" and not problems:
        problems += _check_specs(name, rows) if "spec" in rows.column_names else []
    if not any(problem.kind != "key" for problem in problems):
        problems.append(Problem("unnumbered", name, "was written by an earlier version, or another program"))
    return Checked(problems, _keys(rows))


def _keys(rows: pa.Table) -> list[str]:
    return rows["trial_key"].to_pylist() if "trial_key" in rows.column_names else []


def _read(content: bytes | None, name: str) -> tuple[pa.Table | None, Problem | None]:
    if content is None:
        return None, Problem("missing", name, "is gone")
    try:
        return read_parquet(content), None
    except (pa.ArrowException, OSError):
        return None, Problem("damaged", name, "is not readable")


def _check_rows(table: str, name: str, rows: pa.Table, keys: Collection[str] | None) -> list[Problem]:
    """Check the columns of a file, that its rows are of trials of its commit, and that no row is there twice.

    The latter only of tables with a key: in others equal rows may be meant.
    """
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


def _check_specs(name: str, trials: pa.Table) -> list[Problem]:
    """Check that the specs of trials are those of their keys."""
    texts = trials["spec"].to_pylist() if "spec" in trials.column_names else [None] * trials.num_rows
    keys = trials["trial_key"].to_pylist()
    if changed := {key for key, text in zip(keys, texts, strict=True) if key is None or _key_of(text) != key}:
        return [Problem("key", name, f"has trials whose spec is not that of their key, {some(changed)}")]
    return []


def _key_of(spec: str | None) -> str | None:
    """Return the key of a spec; None where it cannot be read."""
    try:
        return None if spec is None else TrialSpec.model_validate_json(spec).trial_key
    except ValidationError:
        return None
