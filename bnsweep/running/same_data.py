"""Whether data are still those that earlier trials were trained on: their spec names a place, not what is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.spec import DatasetSpec
from bnsweep.spec.datasets import source_of

if TYPE_CHECKING:
    from bnsweep.data import Dataset

COLUMNS = ["dataset", "dataset_options", "data_sha256"]
SPECS: TypeAdapter[DatasetSpec] = TypeAdapter(DatasetSpec)


def require_same_data(store: Store, loaded: Iterable[tuple[DatasetSpec, Dataset]]) -> None:
    """Compare what was just loaded with what the stored trials were trained on.

    Raises:
        InputError: a stored trial was trained on other data from the same place.
    """
    now = {source_of(spec): data.sha256 for spec, data in loaded if data.sha256 is not None}
    if not now:
        return
    for source, stored in _stored(store):
        if now.get(source, stored) != stored:
            raise InputError(
                f"{store.root}: holds trials of other data than dataset {source} gives now "
                f"(sha256 {stored} then, {now[source]} now); put the earlier data back, or give another --out"
            )


def require_data_of(key: str, stored: object, data: Dataset) -> None:
    """Raise `InputError` where the trial `key` was trained on data of another sha256 than these; None: not known."""
    if stored is not None and data.sha256 is not None and stored != data.sha256:
        raise InputError(
            f"{key}: was trained on other data than its dataset gives now (sha256 {stored} then, {data.sha256} now); "
            "put the earlier data back and try again"
        )


def _stored(store: Store) -> Iterator[tuple[str, str]]:
    """Yield where the data of stored trials are from, and their sha256; each once, where it is known."""
    for row in store.read("trials", COLUMNS).group_by(COLUMNS).aggregate([]).to_pylist():
        try:
            spec = SPECS.validate_json(json.dumps({"name": row["dataset"], **json.loads(row["dataset_options"])}))
        except (TypeError, ValueError):  # of an earlier version, or damaged, which `verify` tells
            continue
        if row["data_sha256"] is not None:
            yield source_of(spec), row["data_sha256"]
