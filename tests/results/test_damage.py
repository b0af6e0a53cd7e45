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
from tests.results.rows import as_tables, commit, contents, declare, few_specs, tables_of, write_store

Sweep = tuple[Store, list[TrialSpec]]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A sweep with a file of every kind, some commits merged."""
    store, specs = Store.open(tmp_path_factory.mktemp("sweep")), few_specs(6)
    write_store(store, number=4)
    compact_directory(store.root)
    failure = {"trial_key": specs[0].trial_key, "attempt": 2, "error": "ValueError: x"}
    with store.take_over() as writer:
        writer.declare("few", [spec.trial_key for spec in specs], "name: few\n")
        writer.commit(tables_of(specs[4:]) | as_tables({"failures": [failure]}))
        writer.checkpoints.save("a", b"content")
    assert verify(store) == []
    return store, specs


@pytest.mark.long
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
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files), label="file")
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1), label="at")
    flip = data.draw(st.integers(0, 255), label="flip")
    path.write_bytes(content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :] if flip else content[:at])
    name = str(path.relative_to(copy))
    assert name in {problem.path for problem in verify(store)}
    verify_directory(copy, repair=True)
    _check_nothing_else_is_lost(store, whole, Path(name))
    declare(store, specs)
    if missing := [spec for spec in specs if spec.trial_key not in store.finished()]:
        commit(store, tables_of(missing))
    assert verify(store) == []
    before, after = contents(whole), contents(store)
    assert all(after[table] == before[table] for table in ("ics", "trials", "noise"))
    shutil.rmtree(copy)


def _check_nothing_else_is_lost(store: Store, whole: Store, damaged: Path) -> None:
    """Check that only trials of a commit with a damaged file are gone."""
    kept = [file for file in whole.snapshot().live if not file.name.startswith(f"trials/{damaged.name[:8]}")]
    assert {key for file in kept for key in file.keys.tolist()} <= set(store.finished_keys().tolist())
