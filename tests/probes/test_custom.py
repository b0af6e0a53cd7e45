"""Probes of the user's own: what is refused, and that their rows land in a table of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.executors.pack import Job, Pack, Worker, dataset_key
from bnsweep.probes.custom import load_probe
from bnsweep.results import Store
from bnsweep.spec import TrialSpec

BAD = [
    ("tests.nowhere:probe", {}, r"probes\.tests\.nowhere:probe: .* cannot be loaded \(No module named"),
    ("tests.users:nowhere", {}, r"cannot be loaded \(.* has no attribute 'nowhere'\); give package.module:call"),
    ("tests.users:NO_CALLABLE", {}, r"is a int; it should be callable"),
    ("tests.users:weight_norms", {"pwer": 1}, r"does not take these options \(.*unexpected keyword .*'pwer'"),
    ("tests.users:nothing", {}, r"what it returns should be callable and have a table and columns"),
    ("tests.users:with_table", {"table": "ics"}, r"its table is 'ics'; it should be a name of its own, none of"),
    ("tests.users:with_table", {"table": "_x"}, r"its table is '_x'"),
    ("tests.users:with_table", {"table": "a/b"}, r"its table is 'a/b'"),
    ("tests.users:with_columns", {}, r"its columns include lr, which every table has already"),
    ("tests.users:untyped", {}, r"the types of its columns parameter should be pyarrow types"),
]


@pytest.mark.parametrize(("name", "options", "message"), BAD, ids=[entry[2][:40] for entry in BAD])
def test_what_is_wrong_is_named(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_probe(name, options)


def test_its_rows_are_committed_and_recovered_like_any_table(tmp_path: Path, spec: Callable[..., TrialSpec]) -> None:
    trial = spec(probes={"tests.users:weight_norms": {"every": 4}})
    store = Store.open(tmp_path)
    job = Job("own", store, None, {dataset_key(trial.dataset): load_dataset(trial.dataset)})
    for _ in Worker(job, torch.device("cpu")).run(Pack((trial,), (1,))):
        pass
    frame = pd.read_parquet(tmp_path / "weight_norms")
    assert sorted(set(frame.step)) == [0, 4]
    assert set(frame.trial_key) == {trial.trial_key}
    assert (frame.lr == trial.lr).all()
    (committed,) = (tmp_path / "weight_norms").iterdir()
    torn = committed.with_name("0123456789abcdef.parquet")
    torn.write_bytes(committed.read_bytes())
    kept = tmp_path / "notes" / "my.parquet"
    kept.parent.mkdir()
    kept.write_bytes(b"")
    assert store.recover() == [str(torn)]
    assert kept.exists()
