"""A run whose trials a search asks for, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnsweep.cli.maintenance import verify_directory
from bnsweep.errors import InputError
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.tables import to_table
from bnsweep.results.verify import verify
from bnsweep.running.growing import SEARCHES
from bnsweep.running.job import Job
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Wait, Whereabouts, dataset_key
from bnsweep.running.run import opened
from bnsweep.running.searching import asked, in_words, outcome_of, so_far
from bnsweep.running.service import Service
from bnsweep.spec import TrialSpec
from bnsweep.spec.listed import Trials
from bnsweep.spec.search import SearchSpec
from bnsweep.spec.sweep import Sweep
from tests.waiting import wait_until

TEXT = """
name: edges
model: {name: mlp, widths: [8]}
dataset: {name: digits}
axes:
  norm: [none, batch]
  lr: {logspace: [1.0e-3, 10, 41]}
  seed: {range: 2}
search: {name: edges, first: 6}
"""
SWEEP = Sweep.from_text(TEXT)
DATASETS = frozenset({dataset_key(SWEEP.trials[0].dataset)})
HERE = Whereabouts("w", place="here", host="near")
EDGE = {"none": 0.2, "batch": 3.0}


def row_of(spec: TrialSpec) -> dict[str, object]:
    has_diverged = spec.lr > EDGE[spec.norm] * (1 + 0.2 * spec.seed)
    status = "diverged" if has_diverged else "completed"
    score = {} if has_diverged else {"test_acc": 0.9 if spec.lr > 0.01 else 0.1}
    said = {"num_classes": 10, "wall_time_s": 1.0, "spec": spec.to_json(), **score}
    return {"trial_key": spec.trial_key, "status": status, **said}


def job_of(store: Store, trials: Trials, sweep: Sweep = SWEEP) -> Job:
    return Job(sweep.name, sweep.text, trials, sweep.resources, DATASETS, store, "a run", 1, sweep)


def service_of(store: Store, sweep: Sweep = SWEEP) -> Service:
    return Service(job_of(store, so_far(sweep, store).trials, sweep))


class Hand:
    """A worker that does what it is told without training anything.

    Args:
        service: that it asks.
        trials: that it knew when it began.
        fails: the rate at which trials fail.
    """

    def __init__(self, service: Service, trials: Sequence[TrialSpec], fails: float | None = None) -> None:
        self.service, self._known, self._fails, self._number = service, trials, fails, 0
        self.done = list[TrialSpec]()
        opened(service)

    def next_pack(self) -> Pack | None:
        """Return the next pack, or that there will be none."""
        given: Pack | Wait | None = Wait(0)

        def is_told() -> bool:
            nonlocal given
            given = self.service.take(HERE)
            return not isinstance(given, Wait)

        wait_until(is_told, "something to do, or the end")
        return given if isinstance(given, Pack) else None

    def do(self, pack: Pack) -> None:
        """Deliver what its trials give."""
        specs = {trial: pack.added[trial] if trial in pack.added else self._known[trial] for trial in pack.trials}
        how = {k: Ending.FAILED if spec.lr == self._fails else Ending.COMPLETED for k, spec in specs.items()}
        rows = [row_of(spec) for trial, spec in specs.items() if how[trial] is not Ending.FAILED]
        tables = {"trials": to_table(SCHEMAS["trials"], rows)} if rows else {}
        endings = {trial: Ended(ending) for trial, ending in how.items()}
        self.service.deliver(
            Delivery(HERE, self._number, pack.coordinator, pack.number, endings, tables, 1.0, is_last=True)
        )
        self._number += 1
        self.done += specs.values()


def work(store: Store, sweep: Sweep = SWEEP, *, max_packs: int = 10**6, fails: float | None = None) -> list[TrialSpec]:
    """Do what a service hands out, until there is nothing more, and return it."""
    with closing(service_of(store, sweep)) as service:
        hand = Hand(service, so_far(sweep, store).trials, fails)
        while max_packs > 0 and (pack := hand.next_pack()) is not None:
            hand.do(pack)
            max_packs -= 1
    return hand.done


def whole_run(path: Path) -> tuple[Store, list[TrialSpec]]:
    store = Store.open(path)
    return store, work(store)


def test_a_run_asks_until_every_edge_is_found(tmp_path: Path) -> None:
    store, done = whole_run(tmp_path / "out")
    found = asked(SWEEP, store)
    assert found.end == "every edge is found to the spacing of the rates"
    assert {spec.trial_key for spec in done} == store.finished() == set(found.trials.trial_keys())
    assert len(done) == len(found.trials) < len(SWEEP.trials) / 2
    rates = np.array(SWEEP.trials.product.axes["lr"])
    for norm, edge in EDGE.items():
        ran = {spec.lr for spec in done if spec.norm == norm}
        beyond = rates[rates > edge * 1.2].min()
        assert {rates[rates <= edge * 1.2].max(), beyond} <= ran
        assert {spec.seed for spec in done if spec.lr == beyond} == {0, 1}
    declared = store.declared()
    assert declared is not None
    assert set(declared["trial_keys"]) == store.finished()
    assert in_words(SWEEP, asked(SWEEP, store)) == (
        f"search edges: {len(done)} of 164 trials of the grid in {found.num_rounds} rounds; over: {found.end}"
    )


@pytest.mark.parametrize("packs", [1, 5])
def test_a_run_that_ends_early_goes_on_to_the_same_trials(tmp_path: Path, packs: int) -> None:
    whole, _ = whole_run(tmp_path / "whole")
    store = Store.open(tmp_path / "out")
    work(store, max_packs=packs)
    assert store.finished() < whole.finished()
    work(store)
    assert store.finished() == whole.finished()
    assert list(asked(SWEEP, store).trials.keys) == list(asked(SWEEP, whole).trials.keys)


def test_a_worker_goes_on_with_a_pack_of_a_later_round_under_a_new_coordinator(tmp_path: Path) -> None:
    whole, _ = whole_run(tmp_path / "whole")
    store = Store.open(tmp_path / "out")
    known = so_far(SWEEP, store).trials
    with closing(service_of(store)) as service:
        hand = Hand(service, known)
        while (pack := hand.next_pack()) is not None and not pack.added:
            hand.do(pack)
    assert pack is not None
    with closing(Service(job_of(store, known), is_again=True)) as again:
        hand.service = again
        opened(again)
        hand.do(replace(again.resume(HERE, pack), added=pack.added))
        while (pack := hand.next_pack()) is not None:
            hand.do(pack)
    assert store.finished() == whole.finished()
    assert len(hand.done) == len(store.finished())


def test_a_budget_ends_it(tmp_path: Path) -> None:
    whole, store = whole_run(tmp_path / "whole")[0], Store.open(tmp_path / "out")
    few = Sweep.from_text(TEXT.replace("first: 6", "first: 6, budget: 30"))
    found = asked(few, whole)
    assert (len(found.trials), found.end) == (30, "the budget of 30 trials is spent")
    assert list(found.trials.keys) == list(asked(SWEEP, whole).trials.keys[:30])
    assert len(asked(few, store).trials) == 24


@pytest.mark.parametrize(
    ("before", "after"), [("10, 41]", "10, 81]"), ("{range: 2}", "{range: 4}"), ("first: 6", "first: 11")]
)
def test_more_rates_seeds_or_first_rates_go_on_from_what_is_stored(tmp_path: Path, before: str, after: str) -> None:
    store, done = whole_run(tmp_path / "out")
    sweep = Sweep.from_text(TEXT.replace(before, after))
    more = work(store, sweep)
    fresh = Store.open(tmp_path / "fresh")
    work(fresh, sweep)
    assert not {spec.trial_key for spec in more} & {spec.trial_key for spec in done}
    assert list(asked(sweep, store).trials.keys) == list(asked(sweep, fresh).trials.keys)
    assert fresh.finished() <= store.finished()
    assert 0 < len(more) < len(fresh.finished())


def test_how_far_a_search_is_is_declared_and_verified(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    work(store, max_packs=2)
    declared = store.declared()
    assert declared is not None
    assert (declared["search"]["name"], declared["search"]["end"]) == ("edges", None)
    assert declared["search"]["common_lrs"] == list(SWEEP.trials.product.axes["lr"][::8])
    assert "search" in {problem.kind for problem in verify(store)}
    work(store)
    declared = store.declared()
    assert declared is not None
    assert declared["search"]["end"] == asked(SWEEP, store).end
    assert verify(store) == []
    assert "the search edges ended after" in verify_directory(store.root).lines[-1]


def test_a_round_with_a_trial_that_failed_is_the_last(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    done = work(store, fails=SWEEP.trials.product.axes["lr"][8])
    assert len(done) == 24
    assert len(store.finished()) == 20
    assert asked(SWEEP, store).num_rounds == 1
    assert str(in_words(SWEEP, asked(SWEEP, store))).endswith("in 1 round; not over yet")
    work(store)
    assert asked(SWEEP, store).end


def test_a_run_that_searches_is_given_no_more_trials(tmp_path: Path) -> None:
    with closing(service_of(Store.open(tmp_path / "out"))) as service:
        opened(service)
        assert service.widen(SWEEP).refusal == SEARCHES


def test_a_grid_has_no_search(tmp_path: Path) -> None:
    grid, store = Sweep.from_text(TEXT.replace("search: {name: edges, first: 6}", "")), Store.open(tmp_path / "out")
    assert so_far(grid, store) is grid


def test_a_score_is_the_accuracy_or_the_share_of_the_variance_that_is_explained() -> None:
    row = {"trial_key": "k", "status": "completed", "test_acc": None, "test_loss": 0.5}
    row |= {"test_loss_constant": 2.0, "wall_time_s": 3.0}
    assert outcome_of(row | {"num_classes": None}, SWEEP.search).score == 0.75
    assert outcome_of(row | {"num_classes": 10, "test_acc": 0.4}, SWEEP.search)[::2] == (0.4, 0.1)
    assert outcome_of(row | {"num_classes": 10, "status": "diverged"}, SWEEP.search).diverged
    assert not outcome_of(row | {"num_classes": 10}, SearchSpec(name="qmc")).diverged
    with pytest.raises(InputError, match=r"trial k says no test_acc.*divergence"):
        outcome_of(row | {"num_classes": 10}, SWEEP.search)
