"""A run whose trials a search draws from ranges."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.verify import verify
from bnsweep.running.record import ASKED
from bnsweep.running.searching import asked, in_words, outcome_of, so_far
from bnsweep.spec import TrialSpec
from bnsweep.spec.listed import Listed
from bnsweep.spec.search import DRAWING, SearchSpec
from bnsweep.spec.sweep import Sweep
from tests.running.test_searching import work

TEXT = """
name: drawn
model: {name: mlp, widths: [8]}
dataset: {name: digits}
axes:
  norm: [none, batch]
  lr: {loguniform: [1.0e-3, 10]}
  train.momentum: {uniform: [0, 0.9]}
  seed: [3, 5]
"""


def sweep_of(search: str, text: str = TEXT) -> Sweep:
    return Sweep.from_text(f"{text}search: {search}\n")


SEARCHES = {
    "qmc": "{name: qmc, points: 8}",
    "random": "{name: random, points: 7}",
    "tpe": "{name: tpe, points: 9, per_round: 4}",
    "gp": "{name: gp, points: 3, per_round: 2}",
}
every = pytest.mark.parametrize("name", SEARCHES)


def whole_run(path: Path, sweep: Sweep) -> Store:
    store = Store.open(path)
    work(store, sweep)
    return store


Whole = Callable[[str], tuple[Store, list[TrialSpec]]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The searches by name, each run to its end once, and their trials in the order of their results; only read."""

    @cache
    def run(name: str) -> tuple[Store, list[TrialSpec]]:
        store = Store.open(tmp_path_factory.mktemp(name) / "out")
        return store, work(store, sweep_of(SEARCHES[name]))

    return run


def test_every_search_that_draws_is_here() -> None:
    assert set(SEARCHES) == set(DRAWING)


@every
def test_a_run_asks_until_all_points_have_a_result(name: str, whole: Whole) -> None:
    sweep = sweep_of(SEARCHES[name])
    store, done = whole(name)
    found = asked(sweep, store)
    assert found.end == "all points have a result"
    assert {spec.trial_key for spec in done} == store.finished() == set(found.trials.trial_keys())
    assert len(done) == sweep.num_trials == 4 * sweep.search.points
    assert {(spec.norm, spec.seed) for spec in done} == {("none", 3), ("none", 5), ("batch", 3), ("batch", 5)}
    assert all(1e-3 <= spec.lr <= 10 and 0 <= spec.train.momentum <= 0.9 for spec in done)
    declared = store.declared()
    assert declared is not None
    assert declared["trial_keys"] == list(found.trials.trial_keys())


@every
@pytest.mark.parametrize("packs", [1, 3])
def test_a_run_that_ends_early_goes_on_to_the_same_trials(name: str, packs: int, whole: Whole, tmp_path: Path) -> None:
    sweep = sweep_of(SEARCHES[name])
    (expected, _), store = whole(name), Store.open(tmp_path / "out")
    work(store, sweep, max_packs=packs)
    assert store.finished() < expected.finished()
    work(store, sweep)
    assert store.finished() == expected.finished()
    assert list(asked(sweep, store).trials.keys) == list(asked(sweep, expected).trials.keys)


@every
def test_a_trial_is_the_one_that_a_user_would_type(name: str, tmp_path: Path) -> None:
    found = asked(sweep_of(SEARCHES[name]), Store.open(tmp_path / "out")).trials
    spec = found[len(found) - 1]
    typed = {"norm": f"[{spec.norm}]", "lr": f"[{spec.lr:.6g}]", "train.momentum": f"[{spec.train.momentum:.6g}]"}
    axes = ", ".join(f"{name}: {value}" for name, value in {**typed, "seed": f"[{spec.seed}]"}.items())
    (again,) = Sweep.from_text(f"{TEXT[: TEXT.index('axes')]}axes: {{{axes}}}\n").trials
    assert again.trial_key == spec.trial_key


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{name: qmc, points: 8}", "{name: qmc, points: 16}"),
        ("{name: random, points: 3}", "{name: random, points: 5}"),
        ("{name: tpe, points: 6, per_round: 4}", "{name: tpe, points: 9, per_round: 4}"),
    ],
)
def test_more_points_keep_those_that_are_there(before: str, after: str, tmp_path: Path) -> None:
    store = whole_run(tmp_path / "out", sweep_of(before))
    had = store.finished()
    more = sweep_of(after)
    done = work(store, more)
    assert len(done) == more.num_trials - len(had)
    assert set(asked(more, store).trials.trial_keys()) == store.finished() > had


def test_another_seed_leaves_those_of_the_others_as_they_are(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    few, more = (sweep_of("{name: qmc, points: 4}", text) for text in (TEXT, TEXT.replace("[3, 5]", "[1, 3, 5]")))
    assert set(asked(few, store).trials.trial_keys()) < set(asked(more, store).trials.trial_keys())


def test_another_draw_gives_other_points(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    one, other = (asked(sweep_of(f"{{name: random, draw: {k}}}"), store).trials for k in (0, 1))
    assert not {spec.lr for spec in one} & {spec.lr for spec in other}


def test_listed_values_may_be_lists_and_models(tmp_path: Path) -> None:
    text = TEXT.replace("model: {name: mlp, widths: [8]}", "").replace("axes:\n", "axes:\n  model.name: [mlp]\n")
    text = text.replace("axes:\n", "axes:\n  model.widths: [[8], [8, 8]]\n")
    found = asked(sweep_of("{name: tpe, points: 2, per_round: 2}", text), Store.open(tmp_path / "out")).trials
    assert isinstance(found, Listed)
    assert [spec.model.widths for spec in found.distinct("model")[0]] == [(8,), (8, 8)]  # type: ignore[union-attr]
    assert found.distinct("model")[1] == [8, 8]


def test_a_budget_of_trials_ends_it_and_one_of_hours_with_a_round(tmp_path: Path) -> None:
    few = sweep_of("{name: tpe, points: 8, per_round: 2, budget: 10}")
    store = whole_run(tmp_path / "few", few)
    assert (few.num_trials, len(store.finished())) == (10, 10)
    assert str(in_words(few, asked(few, store))).endswith("over: the budget of 10 trials is spent")
    short = sweep_of(f"{{name: tpe, points: 8, per_round: 2, hours: {15 / 3600}}}")  # each takes a second
    store = whole_run(tmp_path / "short", short)
    assert len(store.finished()) == 16
    assert asked(short, store).end == "the budget of 0.00416667 hours is spent: trials took 0.004444"
    assert work(store, short) == []
    longer = sweep_of("{name: tpe, points: 8, per_round: 2, hours: 1}")
    assert len(work(store, longer)) == 16


def test_how_far_it_is_is_told(tmp_path: Path) -> None:
    sweep, store = sweep_of("{name: tpe, points: 9, per_round: 4, hours: 2}"), Store.open(tmp_path / "out")
    assert (
        in_words(sweep, asked(sweep, store))
        == "search tpe: 16 of at most 36 trials in 1 round, 0 of 2 hours; not over yet"
    )


def test_nothing_is_declared_before_it_is_asked_for(tmp_path: Path) -> None:
    sweep = sweep_of("qmc")
    assert (len(sweep.trials), repr(sweep)) == (0, "<sweep drawn: 256 trials>")
    assert len(so_far(sweep, Store.open(tmp_path / "out")).trials) == 256


def test_tuning_needs_a_score() -> None:
    row = {"trial_key": "k", "status": "completed", "num_classes": 10, "wall_time_s": None, "test_acc": None}
    with pytest.raises(InputError, match=r"trial k says no test_acc.*qmc or random"):
        outcome_of(row | {"test_loss": None}, SearchSpec(name="tpe"))
    assert outcome_of(row | {"test_loss": None}, SearchSpec(name="random")).score == 0


def test_what_was_answered_is_not_asked_again(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = sweep_of(SEARCHES["gp"])
    store, _ = whole("gp")
    keys = list(asked(sweep, store).trials.keys)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "optuna", None)  # whoever asks it fails
        assert list(asked(sweep, store).trials.keys) == keys
        with pytest.raises(ImportError):
            asked(sweep_of("{name: gp, points: 3, per_round: 2, draw: 1}"), store)
    assert verify(store) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]"])
def test_a_record_that_is_damaged_is_computed_anew(damage: bytes, whole: Whole, tmp_path: Path) -> None:
    sweep = sweep_of(SEARCHES["tpe"])
    shutil.copytree(whole("tpe")[0].root, tmp_path / "out")
    store = Store.open(tmp_path / "out")
    keys = list(asked(sweep, store).trials.keys)
    (tmp_path / "out" / ASKED).write_bytes(damage)
    assert list(asked(sweep, store).trials.keys) == keys
    assert (tmp_path / "out" / ASKED).read_bytes() == damage  # by whoever only looks
