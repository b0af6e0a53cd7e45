"""Trials that train as one on a worker: the same bits in whatever company, after a stop, and by `repro`."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.running.coordinator.seating import Seating
from bnsweep.running.packs import Pack, Seat, Whereabouts, WorkerFailure
from bnsweep.running.tally import Tally
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import ALONE, Seats, slot_of, why_alone
from bnsweep.training.fused.clock import SharedClock
from bnsweep.training.loop import run_trial
from tests.frames import same_rows
from tests.running.office import DIGITS, Office, office, work
from tests.running.trials import Trials

Build = Callable[..., TrialSpec]
K = 3


@pytest.fixture
def fused(spec: Build) -> Build:
    """Build trials of one program, small ones, that are measured."""

    def build(**fields: object) -> TrialSpec:
        train = {"steps": 8, "batch_size": 16, "momentum": 0.9, "fuse": K}
        given = {"model": {"name": "mlp", "widths": [6]}, "train": train, "probes": {"moments": {"every": 3}}}
        return spec(**given | fields)

    return build


def in_their_slots(fused: Build, count: int, **fields: object) -> list[TrialSpec]:
    """Return trials in slots 0, 1, ... of one company."""
    found = dict[int, TrialSpec]()
    for seed in range(100):
        trial = fused(seed=seed, **fields)
        found.setdefault(slot_of(trial), trial)
    return [found[slot] for slot in range(count)]


def tables(at: Office) -> dict[str, pa.Table]:
    at.commit()
    return {table: at.rows(table) for table in ("trials", "curves", "moments") if table in at.tables}


def rows_of(at: Office, trial: TrialSpec) -> dict[str, object]:
    """Return the rows of a trial's measurements by table."""
    found = {name: rows.to_pylist() for name, rows in tables(at).items() if name != "trials"}
    return {name: [row for row in rows if row["trial_key"] == trial.trial_key] for name, rows in found.items()}


@pytest.mark.parametrize("probes", [{"moments": {"every": 3}}, {}], ids=["measured", "crowd"])
def test_a_worker_trains_a_company_as_one_and_a_trial_gives_what_it_gives_with_copies_of_itself(
    fused: Build, probes: dict[str, object]
) -> None:
    trials = in_their_slots(fused, K, probes=probes, norm="layer")
    at = office(*trials)
    assert work(at).completed == K
    assert [pack.companies() for pack in at.packs] == [[[0, 1, 2]]]
    assert [seat.slot for seat in at.packs[0].seats.values()] == [0, 1, 2]
    for trial in trials:
        by_itself = office(trial)
        work(by_itself)
        assert rows_of(at, trial) == rows_of(by_itself, trial)
        (row,) = [row for row in at.rows("trials").to_pylist() if row["trial_key"] == trial.trial_key]
        assert row["test_loss"] == run_trial(trial, DIGITS).test_loss
        assert row["fuse"] == K
        assert row["wall_time_s"] > row["probe_time_s"] >= 0
        assert (row["probe_time_s"] > 0) == bool(probes)


def test_what_a_stop_saved_goes_on_in_other_company(fused: Build) -> None:
    """Two of three are saved after some steps; one of them goes on when another begins, each with copies of itself."""
    trials = in_their_slots(fused, K)
    at = office(*trials[:2])

    def stop_within() -> bool:
        at.stepped += 1
        if at.stepped == 4:
            at.coordinator.stop()
        return False

    assert work(at, stop_within).ended == 0
    assert set(at.saved) == {0, 1}
    rest = office(trials[1], trials[2], saved={0: at.saved[1]})
    assert work(rest).completed == 2
    untouched = office(*trials)
    work(untouched)
    for trial in trials[1:]:
        assert rows_of(rest, trial) == rows_of(untouched, trial)
    ours, theirs = (tables(one)["trials"].to_pandas().set_index("trial_key") for one in (rest, untouched))
    assert same_rows(ours[["test_loss", "train_loss"]], theirs.loc[ours.index, ["test_loss", "train_loss"]])


def test_a_crowd_that_is_cut_off_is_not_saved_and_begins_anew(fused: Build) -> None:
    trials = in_their_slots(fused, K, probes={}, norm="layer")
    at = office(*trials, checkpoint_every_s=0.0)
    work(at, lambda: at.coordinator.stop() is not None)
    assert at.saved == {}
    assert work(office(*trials)).completed == K


def test_one_that_diverges_is_delivered_while_the_others_train(fused: Build) -> None:
    calm, other, _ = in_their_slots(fused, K)
    wild = next(trial for seed in range(100) if slot_of(trial := fused(seed=seed, lr=1e9)) == slot_of(other))
    at = office(calm, wild)
    work(at, lambda: at.coordinator.tally.diverged == 1)
    assert at.coordinator.tally.completed == 0
    assert work(at).completed == 1


def test_a_company_short_of_memory_is_told_what_takes_less(fused: Build) -> None:
    huge = fused(model={"name": "mlp", "widths": [10**9]})
    at = office(huge, fused())
    assert work(at) == Tally(completed=1, failed=1)
    assert [pack.is_alone for pack in at.packs] == [False, True]
    for row in at.rows("failures").to_pylist():
        assert "allocate memory" in row["error"]
        assert row["error"].endswith("; 3 trials train as one; a smaller train.fuse takes less")


def test_a_company_whose_worker_died_goes_out_by_itself_and_each_alone_where_that_kills_again(fused: Build) -> None:
    trials = in_their_slots(fused, K)
    at = office(*trials, fused(seed=50), fused(seed=51))
    died = WorkerFailure("died", "no more is known")
    seen = list[list[int]]()
    for number in range(6):
        pack = at.take(Whereabouts(f"w{number}"))
        assert isinstance(pack, Pack)
        seen.append(sorted(pack.trials))
        at.coordinator.lost(f"w{number}", died)
    first, company, *alone = seen
    assert first == [0, 1, 2, 3, 4]
    assert company in at.packs[0].companies()
    assert len(company) == K
    assert all(len(trials) <= 2 for trials in alone)
    assert {trial for trials in alone for trial in trials} >= set(company) | {3, 4}


def test_what_trials_take_that_train_as_one_is_shared_and_what_one_takes_by_itself_is_its_own() -> None:
    clock = SharedClock(2)
    one, other = clock.of(0), clock.of(1)
    before_s = one(), other()
    with clock.owned_by(0):
        busy_until = perf_counter() + 0.01
        while perf_counter() < busy_until:
            pass
    assert one() - before_s[0] >= 0.01
    assert other() - before_s[1] < one() - before_s[0]


def test_what_cannot_be_fused_trains_alone(spec: Build, fused: Build) -> None:
    whys = {
        "model transformer": fused(model={"name": "transformer"}),
        "train.compile": fused(train={"steps": 8, "fuse": K, "compile": True}),
    }
    for why, trial in whys.items():
        assert (why_alone(trial) or "").startswith(why)
        assert Trials([trial]).seats.slots.tolist() == [ALONE]
    assert why_alone(fused()) is None
    assert Trials([spec()]).seats.slots.tolist() == [ALONE]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(ALONE, 3), st.booleans()), max_size=30),
    st.integers(0, 30),
)
def test_a_company_has_one_program_and_one_trial_for_each_slot(trials: list[tuple[int, int, bool]], count: int) -> None:
    trials.sort(key=lambda trial: trial[2])  # those that have failed come last
    programs, slots, has_failed = (np.array([trial[i] for trial in trials]) for i in range(3))
    waits = np.arange(len(trials))
    seats = Seats(programs.astype(np.uint64), slots.astype(np.int64), np.linspace(0, 1, len(trials)))
    seating = Seating()
    order = seating.seat(waits, seats, int(np.count_nonzero(~has_failed.astype(bool))))
    assert sorted(order) == waits.tolist()
    given = seating.of(order.tolist())
    assert {trial for trial in waits.tolist() if slots[trial] != ALONE} == given.keys()
    companies = Pack("", 0, tuple(order.tolist()), tuple(order.tolist()), seats=given).companies()
    for company in companies:
        assert len({(programs[trial], has_failed[trial]) for trial in company}) == 1
        assert len({slots[trial] for trial in company}) == len(company)
    kinds = [(int(programs[trial]), bool(has_failed[trial])) for trial in waits]
    for kind in set(kinds):  # no more companies than the fullest slot needs
        mine = [company for company in companies if company[0] in given and kinds[company[0]] == kind]
        in_slots = [slots[trial] for company in mine for trial in company]
        assert len(mine) == np.bincount(in_slots, minlength=1).max()
    until = seating.until_complete(order, min(count, len(order)))
    parted = {given.get(trial, Seat(-1 - trial, 0)).company for trial in order[:until].tolist()} & {
        given.get(trial, Seat(-1 - trial, 0)).company for trial in order[until:].tolist()
    }
    assert count == 0 or not parted
