"""What every executor does: the same rows, the same failures, one batch a pack. Ray is the real one, started here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError
from bnsweep.executors import EXECUTORS, Executor, Job, Tally, make_executor
from bnsweep.executors.pack import dataset_key, make_packs
from bnsweep.results import Store
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.sweep import Resources, Sweep
from tests.conftest import TINY
from tests.frames import same_rows

CPU = Resources(cpus=1, gpus=0)


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with make_executor(request.param) as started:
        yield started


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(DigitsSpec(name="digits"))


def run(executor: Executor, out: Path, trials: tuple[TrialSpec, ...], data: Dataset) -> tuple[Store, dict[int, Tally]]:
    store, tallies = Store.open(out), dict[int, Tally]()
    job = Job("tiny", store, "abc", {dataset_key(spec.dataset): data for spec in trials})
    packs = make_packs(trials, {}, executor.num_workers(CPU))
    lost = executor.run(packs, job, CPU, tallies.__setitem__)
    assert lost == []
    assert set(tallies) == set(range(len(packs)))
    return store, tallies


def test_every_trial_has_one_row_and_the_last_tallies_add_up(
    executor: Executor, tmp_path: Path, digits: Dataset
) -> None:
    trials = Sweep.from_text(TINY).trials
    store, tallies = run(executor, tmp_path, trials, digits)
    frame = pd.read_parquet(store.path("trials"))
    assert sorted(frame.trial_key) == sorted(spec.trial_key for spec in trials)
    assert sum(tallies.values(), Tally()) == Tally(*(sum(frame.status == how) for how in ("completed", "diverged")))
    assert (frame.status == "diverged").any()
    assert [TrialSpec.model_validate_json(text) for text in frame.spec] == [
        next(spec for spec in trials if spec.trial_key == key) for key in frame.trial_key
    ]
    reference, _ = run(make_executor("serial"), tmp_path / "serial", tuple(reversed(trials)), digits)
    for table in ("trials", "curves", "landscape", "ics", "moments"):
        assert same_rows(store.read(table).to_pandas(), reference.read(table).to_pandas())


def test_a_trial_that_raises_is_recorded_and_its_neighbours_are_unharmed(
    executor: Executor, tmp_path: Path, digits: Dataset, spec: Callable[..., TrialSpec]
) -> None:
    broken = spec(norm="instance", model={"name": "mlp"})
    store, tallies = run(executor, tmp_path, (spec(seed=1), broken, spec(seed=2)), digits)
    assert sum(tallies.values(), Tally()) == Tally(completed=2, failed=1)
    assert store.finished() == {spec(seed=1).trial_key, spec(seed=2).trial_key}
    (failure,) = store.read("failures").to_pylist()
    assert failure["trial_key"] == broken.trial_key
    assert failure["attempt"] == 1
    assert failure["error"].startswith("InputError: norm")
    assert "Traceback" in failure["traceback"]


def test_more_than_there_is_is_refused(executor: Executor) -> None:
    with pytest.raises(InputError, match=r"resources\.gpus: 64 asked for, .* 0; set gpus: 0|64 asked for, 0 found"):
        executor.num_workers(Resources(gpus=64))
