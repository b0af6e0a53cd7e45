"""A search whose trials train as one: its rounds give companies, and a stop and another coordinator change no bit."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bnsweep.data import load_dataset
from bnsweep.results import Store
from bnsweep.running.job import Job
from bnsweep.running.packs import Delivery, Pack, Receipt, RunContext, Wait, Whereabouts, dataset_key
from bnsweep.running.run import opened
from bnsweep.running.searching import asked, so_far
from bnsweep.running.service import Service
from bnsweep.spec.search import GRID
from bnsweep.spec.sweep import Sweep
from tests.frames import same_rows
from tests.running.jobs import worker_at

GIVEN = {
    "name": "fused",
    "model": {"name": "mlp", "widths": [6]},
    "dataset": {"name": "digits"},
    "train": {"steps": 12, "batch_size": 16, "fuse": 3},
}
AXES = {"norm": ["none", "layer"], "lr": {"logspace": [1e-3, 1e5, 33]}, "seed": {"range": 3}}
SWEEP = Sweep.from_dict({**GIVEN, "axes": AXES, "search": {"name": "edges", "first": 4, "bar": "divergence"}})
RANGES = {"lr": {"loguniform": [1e-3, 1e5]}, "train.momentum": {"uniform": [0, 0.9]}}
TUNED = Sweep.from_dict({**GIVEN, "axes": {**AXES, **RANGES}, "search": {"name": "tpe", "points": 6, "per_round": 3}})
MEASURED = ["status", "stop_step", "train_loss", "test_loss", "test_acc"]


@dataclass
class Overseen:
    """A service, and what it handed out; its worker asks after every step whether it is to stop."""

    service: Service
    packs: list[Pack] = field(default_factory=list)

    def take(self, here: Whereabouts) -> Pack | Wait | None:
        given = self.service.take(here)
        self.packs += [given] if isinstance(given, Pack) else []
        return given

    def deliver(self, delivery: Delivery) -> Receipt:
        return replace(self.service.deliver(delivery), within_s=0.0)

    def resume(self, here: Whereabouts, pack: Pack) -> Pack:
        return self.service.resume(here, pack)

    def save_checkpoint(self, trial: int, content: bytes) -> None:
        self.service.save_checkpoint(trial, content)

    def load_checkpoint(self, trial: int) -> bytes | None:
        return self.service.load_checkpoint(trial)


def train(store: Store, sweep: Sweep = SWEEP, max_steps: float = np.inf) -> list[Pack]:
    """Train what the search asks for; return what was handed out."""
    trials = so_far(sweep, store).trials
    data = {dataset_key(trials[0].dataset): load_dataset(trials[0].dataset)}
    searched = None if sweep.search == GRID else sweep
    job = Job(sweep.name, sweep.text, trials, sweep.resources, frozenset(data), store, "a run", 1, searched)
    with closing(Service(job)) as service:
        opened(service)
        overseen = Overseen(service)
        worker, steps = worker_at(overseen, RunContext(sweep.name, trials, "abc", data, 600.0)), 0
        for pause_s in worker.work():
            steps += not pause_s
            if steps == max_steps:
                service.stop()
    return overseen.packs


def measured(store: Store) -> pd.DataFrame:
    return store.read("trials", ["trial_key", *MEASURED]).to_pandas()


def test_the_seeds_of_a_round_train_as_one(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    companies = [company for pack in train(store) for company in pack.companies()]
    trials = asked(SWEEP, store).trials
    assert sorted(trial for company in companies for trial in company) == list(range(len(trials)))
    for company in companies:
        assert len({(trials[trial].norm, trials[trial].lr) for trial in company}) == 1
        assert {trials[trial].seed for trial in company} == {0, 1, 2}


@pytest.mark.parametrize(
    ("sweep", "max_steps"),
    [(SWEEP, 5), (SWEEP, 150), (TUNED, 5), (TUNED, 130)],
    ids=["edges, first round", "edges, later", "tpe, first round", "tpe, later"],
)
def test_one_that_is_stopped_amid_a_round_goes_on_to_the_same_trials_and_bits(
    tmp_path: Path, sweep: Sweep, max_steps: int
) -> None:
    whole, store = Store.open(tmp_path / "whole"), Store.open(tmp_path / "out")
    train(whole, sweep)
    train(store, sweep, max_steps=max_steps)
    assert len(store.finished()) < len(whole.finished())
    assert (asked(sweep, store).num_rounds == 1) == (max_steps == 5)
    train(store, sweep)
    assert list(asked(sweep, store).trials.keys) == list(asked(sweep, whole).trials.keys)
    assert same_rows(measured(store), measured(whole))


def test_they_give_what_they_give_in_a_grid(tmp_path: Path) -> None:
    found, whole = Store.open(tmp_path / "found"), Store.open(tmp_path / "whole")
    train(found)
    later = [spec.lr for spec in asked(SWEEP, found).trials if spec.norm == "none"][12:]
    train(whole, Sweep.from_dict({**GIVEN, "axes": {"lr": sorted(set(later)), "seed": [0, 2]}}))
    ours, theirs = measured(found), measured(whole)
    assert len(theirs) == 2 * len(set(later)) > 2
    assert same_rows(ours[ours["trial_key"].isin(theirs["trial_key"])], theirs)
