"""Damage of any kind to any file of a store: it is found, and mending it costs no sound row."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.cli.maintenance import compact_directory, verify_directory
from bnsweep.results import Store
from bnsweep.results.verify import verify
from bnsweep.spec import TrialSpec
from tests.results.rows import commit, few_specs, plain_rows, write_store

LOCKS = {"_lock", "_commit_lock"}
Sweep = tuple[Store, list[TrialSpec]]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A sweep with a file of every kind, one batch compacted."""
    store = Store.open(tmp_path_factory.mktemp("sweep"))
    specs = write_store(store, number=4)
    compact_directory(store.root)
    store.begin("token")
    commit(store, few_specs(6)[4:], "token")
    store.declare("few", [spec.trial_key for spec in few_specs(6)], "name: few\n")
    store.request_stop("token")
    store.save_checkpoint("a", b"content")
    store.record_failure({"trial_key": specs[0].trial_key, "attempt": 2, "error": "ValueError: x"})
    assert verify(store) == []
    return store, few_specs(6)


def files_of(store: Store) -> list[Path]:
    root = Path(store.root)
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name not in LOCKS)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_damage_anywhere_is_found_and_costs_no_sound_row(
    data: st.DataObject, sweep: Sweep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _check_damage(data, sweep, tmp_path_factory)


@pytest.mark.long
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_much_damage_anywhere_is_found_and_costs_no_sound_row(
    data: st.DataObject, sweep: Sweep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _check_damage(data, sweep, tmp_path_factory)


def _check_damage(data: st.DataObject, sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Change a byte or cut a file; check that this is found, and that a repair and a run bring everything back."""
    whole, specs = sweep
    copy = tmp_path_factory.mktemp("damaged") / "results"
    shutil.copytree(whole.root, copy)
    store = Store.open(copy)
    path = data.draw(st.sampled_from(files_of(store)), label="file")
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1), label="at")
    flip = data.draw(st.integers(0, 255), label="flip")
    path.write_bytes(content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :] if flip else content[:at])
    name = str(path.relative_to(copy))
    spoilt = {problem.path for problem in verify(store)}
    assert name in spoilt
    verify_directory(copy, repair=True)
    _check_nothing_else_is_lost(store, whole, spoilt)
    store.declare("few", [spec.trial_key for spec in specs], "name: few\n")
    if missing := [spec for spec in specs if spec.trial_key not in store.finished()]:
        commit(store, missing)
    assert verify(store) == []
    assert plain_rows(store, "ics") == plain_rows(whole, "ics")
    assert plain_rows(store, "trials") == plain_rows(whole, "trials")
    shutil.rmtree(copy)


def _check_nothing_else_is_lost(store: Store, whole: Store, spoilt: set[str]) -> None:
    """Check that only trials of batches with a damaged file are gone."""
    batches = {Path(name).stem for name in spoilt if not name.startswith("_")}
    lost = {batch for batch in whole.batches("trials") if not store.files.exists(f"trials/{batch}.parquet")}
    assert lost <= batches
