"""What a worker delivers, records, saves and leaves alone."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from bnsweep.data import load_dataset
from bnsweep.errors import DeviceLost
from bnsweep.results.schema import SCHEMAS
from bnsweep.running.packs import Delivery, Whereabouts
from bnsweep.running.rows import EndedTrial, tables_of
from bnsweep.running.tally import Tally
from bnsweep.spec import TrialSpec
from bnsweep.training.checkpoint import FORMAT
from bnsweep.training.loop import run_trial
from tests.frames import same_rows
from tests.running.commit_log import COMPLETED
from tests.running.office import office, work
from tests.user_code.crashing_models import Hungry

Build = Callable[..., TrialSpec]


def hungry(tmp_path: Path, spec: Build, **options: object) -> TrialSpec:
    return spec(model={"name": "tests.user_code.crashing_models:hungry", "marker": str(tmp_path / "marker"), **options})


def test_a_trial_short_of_memory_is_recorded_and_with_whole_gpus_it_has_failed(tmp_path: Path, spec: Build) -> None:
    starved = hungry(tmp_path, spec, once=False)
    at = office(spec(seed=1), starved, spec(seed=2))
    assert work(at) == Tally(completed=2, failed=1)
    assert [pack.trials for pack in at.packs] == [(0, 1, 2), (1,)]
    failures = at.rows("failures").to_pylist()
    assert [(row["trial_key"], row["attempt"]) for row in failures] == [(starved.trial_key, 1), (starved.trial_key, 2)]
    place = r"tests/user_code/crashing_models\.py:\d+"
    assert re.fullmatch(rf"MemoryError at {place}: no more room", failures[0]["error"])
    assert sorted(at.ended()) == sorted([spec(seed=1).trial_key, spec(seed=2).trial_key])


def test_a_trial_after_which_the_gpu_is_lost_is_recorded_and_ends_the_worker(tmp_path: Path, spec: Build) -> None:
    lossy = spec(
        model={"name": "tests.user_code.crashing_models:loses_the_gpu", "pids": str(tmp_path / "pids"), "times": 1}
    )
    at = office(spec(seed=1), lossy, spec(seed=2))
    with pytest.raises(DeviceLost, match=rf"{lossy.trial_key}: CUDA error: device-side assert triggered; [^\n]*$"):
        work(at)
    assert at.coordinator.tally == Tally(completed=1)
    assert at.ended() == [spec(seed=1).trial_key]
    (failure,) = at.rows("failures").to_pylist()
    assert (failure["trial_key"], failure["attempt"]) == (lossy.trial_key, 1)
    assert "in forward" in failure["traceback"]
    work(at, name="another")
    assert [pack.trials for pack in at.packs] == [(0, 1, 2), (2,), (1,)]
    assert [pack.is_alone for pack in at.packs] == [False, False, True]
    assert at.coordinator.tally == Tally(completed=3)


def test_what_an_error_for_want_of_memory_holds_is_freed_before_the_next_trial(tmp_path: Path, spec: Build) -> None:
    at, alive = office(hungry(tmp_path, spec), spec(seed=1)), list[int]()

    def look() -> bool:
        alive.append(sum(type(one) is Hungry for one in gc.get_objects()))
        return len(alive) == 3

    work(at, look)
    assert alive[0] == 1
    assert alive[2] == 0


def test_a_worker_in_someone_elses_process_leaves_the_garbage_collector_alone(spec: Build) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    work(office(spec()))
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_a_worker_asked_to_stop_delivers_what_finished_and_saves_what_did_not(spec: Build) -> None:
    trials = [spec(seed=seed, probes={"moments": {"every": 3}}) for seed in range(3)]
    at = office(*trials)

    def stop_after_the_first() -> bool:
        if at.coordinator.tally.completed:
            at.coordinator.stop()
        return False

    assert work(at, stop_after_the_first) == Tally(completed=1)
    assert at.ended() == [trials[0].trial_key]
    assert set(at.saved) == {1}

    rest = office(*trials[1:], saved={0: at.saved[1]})
    assert work(rest) == Tally(completed=2)
    assert rest.saved == {}
    untouched = office(*trials)
    work(untouched)
    for table in ("trials", "curves", "moments"):
        both = pa.concat_tables([at.rows(table), rest.rows(table)])
        assert same_rows(both.to_pandas(), untouched.rows(table).to_pandas())


def test_a_checkpoint_is_made_when_due_and_dropped_with_the_commit(spec: Build) -> None:
    at = office(spec(), checkpoint_every_s=0.0)
    work(at, lambda: bool(at.saved))
    assert set(at.saved) == {0}
    again = office(spec(), checkpoint_every_s=0.0, saved=dict(at.saved))
    assert work(again) == Tally(completed=1)
    assert again.saved == {}


def test_a_trial_with_a_probe_that_remembers_what_is_not_plain_is_not_saved_and_comes_to_its_end(spec: Build) -> None:
    trial = spec(probes={"tests.user_code.probes:holding_a_file": {"every": 1}})
    at, seen = office(trial, checkpoint_every_s=0.0), list[int]()

    def look() -> bool:
        seen.append(len(at.saved))
        return False

    assert work(at, look) == Tally(completed=1)
    assert set(seen) == {0}


def test_a_worker_that_dies_late_takes_little_along(spec: Build) -> None:
    at = office(*(spec(seed=seed) for seed in range(3)))
    work(at, lambda: at.coordinator.tally.completed == 2)
    assert len(at.ended()) == 2


def test_a_trial_that_another_worker_has_ended_is_broken_off_and_one_that_it_has_taken_is_left_out(spec: Build) -> None:
    at, steps = office(*(spec(seed=seed) for seed in range(3))), list[int]()

    def drop() -> bool:
        steps.append(1)
        if len(steps) == 3:
            at.dropped = frozenset({0, 2})
            at.coordinator.deliver(Delivery(Whereabouts("other"), 0, "", 0, dict.fromkeys((0, 2), COMPLETED)))
        return False

    assert work(at, drop) == Tally(completed=3)
    assert at.ended() == [spec(seed=1).trial_key]
    assert len(steps) < 3 + 3 + 8 + 2


def test_a_damaged_checkpoint_is_no_reason_to_fail_and_is_dropped(spec: Build) -> None:
    damaged = office(spec(), saved={0: FORMAT + b"damaged before it was saved"})
    assert work(damaged) == Tally(completed=1)
    assert damaged.saved == {}


def test_a_trial_that_fails_loses_its_checkpoint(tmp_path: Path, spec: Build) -> None:
    starved = hungry(tmp_path, spec, once=False)
    at = office(starved, saved={0: b"of another version"})
    assert work(at) == Tally(failed=1)
    assert [pack.saved for pack in at.packs] == [{0}, set()]
    assert at.saved == {}


def test_rows_are_those_of_their_own_trials(spec: Build) -> None:
    trials = [spec(seed=seed, lr=lr, norm=norm) for seed, (lr, norm) in enumerate([(0.1, "none"), (0.2, "batch")])]
    at = office(*trials)
    work(at)
    curves = at.rows("curves").to_pandas()
    for trial in trials:
        own = curves[curves.trial_key == trial.trial_key]
        assert len(own) == 9
        assert {(row.norm, row.lr, row.seed, row.init) for row in own.itertuples()} == {
            (trial.norm, trial.lr, trial.seed, "default")
        }
        assert own.step.tolist() == list(range(9))


def logging_at(lr: float) -> TrialSpec:
    trial = {"name": "tests.user_code.loops:logs_by_rate", "metric": {"name": "val_loss", "mode": "min"}}
    return TrialSpec.model_validate({"trial": trial, "train": {"steps": 2}, "lr": lr})


def test_trials_whose_own_tables_have_other_columns_are_delivered_together() -> None:
    ended = [EndedTrial(spec, run_trial(spec, load_dataset(spec.dataset)), {}) for spec in map(logging_at, (0.5, 0.05))]
    rows = tables_of(ended)["mine"].select(["lr", "value", "low", "high"]).to_pylist()
    of_one = {"lr": 0.5, "value": 0.5, "low": None, "high": True}
    assert rows == 2 * [of_one] + 2 * [{"lr": 0.05, "value": 0.0, "low": 0.05, "high": None}]


def test_a_trial_whose_own_table_has_other_types_fails_alone() -> None:
    at = office(logging_at(0.5), logging_at(2.0), logging_at(0.05))
    tally = work(at)
    assert (tally.completed, tally.failed) == (2, 1)
    assert at.rows("mine")["value"].to_pylist() == [0.5, 0.5, 0.0, 0.0]
    (error,) = at.rows("failures")["error"].to_pylist()
    assert error.startswith("InputError: table mine: its column value is string in this trial, and double in another; ")


def test_a_trial_fails_alone_whatever_it_raises() -> None:
    """What would end a process, what cannot say what it is, and what UTF-8 has no codes for."""
    trial = {"name": "tests.user_code.loops:raises_oddly", "metric": {"name": "val_loss", "mode": "min"}}
    fields = {"trial": trial, "train": {"steps": 4}, "lr": 0.5}
    at = office(*(TrialSpec.model_validate({**fields, "seed": seed}) for seed in range(6)))
    assert work(at) == Tally(completed=1, failed=5)
    place = "at tests/user_code/loops.py"
    loop = f"RuntimeError {place}: tests.user_code.loops:raises_oddly raised"
    errors = [row["error"] for row in sorted(at.rows("failures").to_pylist(), key=lambda row: row["spec"])]
    assert [re.sub(r"\.py:\d+", ".py", error) for error in errors] == [
        f"{loop} SystemExit: 0",
        f"{loop} KeyboardInterrupt: ",
        f"{loop} Unlike: odd",
        f"MuteError {place}: (its text cannot be made)",
        f"ValueError {place}: \n\na \\udcff",
    ]


@pytest.mark.parametrize("table", ["trials", "curves"])
def test_columns_are_as_the_schema_says(spec: Build, table: str) -> None:
    at = office(spec())
    work(at)
    assert at.rows(table).schema.equals(SCHEMAS[table], check_metadata=True)
