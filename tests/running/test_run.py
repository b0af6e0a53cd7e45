"""What is checked and said before a run starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bnsweep.errors import InputError
from bnsweep.executors import make_executor
from bnsweep.results import Store
from bnsweep.running.plan import Plan
from bnsweep.running.prepare import prepare
from bnsweep.running.progress_file import RunState, read_progress, write_progress
from bnsweep.running.progress_writer import Snapshot, kept_progress
from bnsweep.running.run import Prepared, run
from bnsweep.running.tally import Tally
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY


def tiny(*changes: tuple[str, str]) -> Sweep:
    text = TINY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return Sweep.from_text(text)


def prepared(sweep: Sweep, store: Store) -> Prepared:
    return prepare(sweep, store, Plan.of(sweep, store))


def test_a_model_without_a_known_chain_is_measured_by_full_passes_and_the_notes_say_so(tmp_path: Path) -> None:
    branching = ("{name: mlp, widths: [8]}", '{name: "tests.user_code.models:branches"}')
    notes = prepared(tiny(branching), Store.open(tmp_path / "out")).notes
    assert notes == ("ics: no chain of stages known for tests.user_code.models:branches; one full pass per layer",)
    without_ics = prepared(tiny(branching, ("ics: {every: 3}, ", "")), Store.open(tmp_path / "out"))
    assert without_ics.notes == prepared(tiny(), Store.open(tmp_path / "out")).notes == ()


def test_labels_that_no_sample_has_are_in_the_notes(tmp_path: Path) -> None:
    own = ("{name: digits}", '{name: "tests.user_code.data:sparse"}')
    (note,) = prepared(tiny(own, ("batch_size: 32", "batch_size: 4")), Store.open(tmp_path / "out")).notes
    assert note.startswith("dataset tests.user_code.data:sparse: no sample to train on has label 1, 2, 4; the model")


BAD = [
    (
        ("ics: {every: 3}", '"tests.user_code.probes:nothing": {every: 3}'),
        r"probes\.tests\.user_code\.probes:nothing: .*should be callable and",
    ),
    (
        ("{name: mlp, widths: [8]}", '{name: "tests.user_code.probes:nowhere"}'),
        r"model\.name: .*user_code\.probes:nowhere",
    ),
    (("{name: mlp, widths: [8]}", "{name: resnet, depth: 8, width: 1000000000}"), r"model: .* cannot be built \("),
    (("batch_size: 32", "batch_size: 1438"), r"batch_size: given 1438; the training set has 1437 samples"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[entry[1][:30] for entry in BAD])
def test_what_cannot_be_built_is_said_before_anything_is_written(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prepared(tiny(change), Store.open(tmp_path / "out"))
    assert os.listdir(tmp_path) == []


def test_what_another_run_has_finished_since_the_check_is_not_run_again(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    every, some = prepared(tiny(), store), prepared(tiny(("{range: 2}", "{range: 1}")), store)
    for one in (some, every):
        assert run(one, make_executor("serial"), lambda *_: lambda _: None) == []
    keys = store.read("trials")["trial_key"].to_pylist()
    assert sorted(keys) == sorted(spec.trial_key for spec in tiny().trials)


def test_what_a_killed_run_left_of_its_progress_is_put_right_where_nothing_is_missing(tmp_path: Path) -> None:
    sweep, store = tiny(("{range: 2}", "{range: 1}")), Store.open(tmp_path / "out")
    for snapshot in (Snapshot(6, {"a": 1}, Tally(), None), Snapshot(0, {}, Tally(), None)):
        during = kept_progress(store, sweep, lambda snapshot=snapshot: snapshot, lambda: False)
        assert run(prepared(sweep, store), make_executor("serial"), lambda *_: lambda _: None, during=during) == []
        progress = read_progress(store.files)
        assert progress is not None
        assert progress.state is RunState.FINISHED
        write_progress(store, progress.model_copy(update={"state": RunState.RUNNING}))
    assert progress.had_result_before == len(sweep.trials)
