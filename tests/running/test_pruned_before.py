"""What was pruned before, to runs without that pruner: missing, and never there twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bnsweep.errors import StoreError
from bnsweep.results import Store, pruned
from bnsweep.results.pruned import drop_pruned
from bnsweep.results.schema import SCHEMAS, Row
from bnsweep.results.tables import to_table
from bnsweep.running.plan import Plan
from bnsweep.running.run import opened
from bnsweep.running.searching import asked
from bnsweep.spec import TrialSpec
from bnsweep.spec.sweep import Sweep
from tests.running.test_searching import SWEEP, row_of, whole_run, work
from tests.running.test_widening import NARROW, WIDE, service_of

RULE, OTHER = '{"name": "asha", "first": 5, "factor": 4}', '{"name": "asha", "first": 5, "factor": 2}'
PER_COMMIT = 10


def finished_row(spec: TrialSpec) -> dict[str, object]:
    return {"trial_key": spec.trial_key, "status": "completed", "spec": spec.to_json()}


def stored(path: Path, sweep: Sweep, rule: str | None, row: Callable[[TrialSpec], Row] = row_of) -> Store:
    """Return a store of the trials of a grid in several commits, of each of which a pruner stopped every second one."""
    store, trials = Store.open(path), list(sweep.trials)
    with store.take_over() as writer:
        for start in range(0, len(trials), PER_COMMIT):
            rows = [row(spec) for spec in trials[start : start + PER_COMMIT]]
            cut = [{**whole, "status": "pruned", "pruner": rule, "test_acc": None} for whole in rows[::2]]
            writer.commit({"trials": to_table(SCHEMAS["trials"], [*cut, *rows[1::2]])})
    return store


def keys(store: Store) -> list[str]:
    return sorted(store.read("trials")["trial_key"].to_pylist())


def test_a_trial_is_done_for_a_sweep_with_the_rule_that_stopped_it_alone(tmp_path: Path) -> None:
    store = stored(tmp_path / "out", SWEEP, RULE)
    assert len(store.done_keys(RULE)) == len(SWEEP.trials)
    assert len(store.done_keys(None)) == len(store.done_keys(OTHER)) == len(SWEEP.trials) // 2


def test_only_what_the_sweep_declares_is_taken_away_and_only_of_other_rules(tmp_path: Path) -> None:
    store = stored(tmp_path / "out", SWEEP, RULE)
    before, some = keys(store), SWEEP.trials.keys[: len(SWEEP.trials) // 2]
    with store.take_over() as writer:
        assert not drop_pruned(writer, some, RULE)
        assert keys(store) == before
        assert drop_pruned(writer, some, OTHER)
    left = store.finished_keys()
    assert np.isin(some, left).sum() == len(np.intersect1d(some, store.done_keys(None)))
    assert np.isin(SWEEP.trials.keys[len(some) :], left).all()
    assert len(keys(store)) == len(set(keys(store)))


def test_one_that_was_killed_while_it_took_rows_away_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, merged = stored(tmp_path / "out", SWEEP, RULE), pruned.merge
    calls = list[None]()

    def dies_at_the_third(*given: object) -> None:
        calls.append(None)
        if len(calls) == 3:
            raise StoreError("gone")
        merged(*given)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(pruned, "merge", dies_at_the_third)
    with pytest.raises(StoreError), store.take_over() as writer:
        drop_pruned(writer, SWEEP.trials.keys, None)
    monkeypatch.undo()
    assert len(SWEEP.trials) // 2 < len(store.finished_keys()) < len(SWEEP.trials)
    with store.take_over() as writer:
        drop_pruned(writer, SWEEP.trials.keys, None)
    assert store.finished_keys().tolist() == store.done_keys(None).tolist()
    assert len(keys(store)) == len(SWEEP.trials) // 2


def test_a_search_runs_what_was_pruned_that_it_asks_for(tmp_path: Path) -> None:
    whole, _ = whole_run(tmp_path / "whole")
    store = stored(tmp_path / "out", SWEEP, RULE)
    done = work(store)
    assert done
    assert asked(SWEEP, store).trials.keys.tolist() == asked(SWEEP, whole).trials.keys.tolist()
    assert len(keys(store)) == len(set(keys(store)))
    assert not len(store.snapshot().pruned_otherwise(None))


def test_a_run_is_not_given_what_was_pruned_nor_by_a_sweep_with_a_pruner(tmp_path: Path) -> None:
    store = stored(tmp_path / "out", WIDE, RULE, finished_row)
    with_pruner = Sweep.from_text(WIDE.text + "pruner: {name: asha, first: 3}\n")
    with closing(service_of(store)) as service:
        opened(service)
        for sweep in (WIDE, with_pruner):
            answer = service.widen(sweep)
            assert answer.refusal is not None
            assert "pruner" in answer.refusal
    assert Plan.of(NARROW, store).num_pruned == 0
