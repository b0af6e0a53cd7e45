"""A loop of the user's own is a trial like any other: the same bits, however it is run, and whatever measures it."""

from __future__ import annotations

import gc
import threading
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.data import Dataset, load_dataset
from bnsweep.spec import DigitsSpec, NoDatasetSpec, TrialSpec
from bnsweep.training.checkpoint import NotPlain, dump, load
from bnsweep.training.loop import run_trial, train
from bnsweep.training.own import OwnTraining
from bnsweep.training.result import TrialResult

DIGITS, NOTHING = load_dataset(DigitsSpec(name="digits")), load_dataset(NoDatasetSpec())
LOOPS = "tests.user_code.loops"
STEPS = 7
CHAIN = {"name": "tests.user_code.models:chain", "width": 2}
PROBES = {"landscape": {"every": 3}, "ics": {"every": 3}, "moments": {"every": 2}, "layers": {"every": 2}}
PROBES |= {"curvature": {"at": [2]}, "flatness": {"samples": 20}, "tests.user_code.probes:counting": {"every": 2}}


def own(name: str, **changes: Any) -> TrialSpec:
    metric = {"name": changes.pop("metric", "val_loss"), "mode": "min"}
    trial = {"name": f"{LOOPS}:{name}", "metric": metric, **changes.pop("options", {})}
    return TrialSpec.model_validate({"trial": trial, "train": {"steps": STEPS}, "lr": 0.05, **changes})


def comparable(result: TrialResult) -> str:
    """Return all of a result but its time and what is the user's alone; NaN is equal to itself."""
    own = dict.fromkeys(("metric", "probe_time_s", "schemas"))
    tables = {
        name: [sorted(row.items()) for row in rows if _holds_something(row)] for name, rows in result.tables.items()
    }
    return repr({**asdict(result), **own, "tables": tables})


def _holds_something(row: Any) -> bool:
    return any(value is not None for name, value in row.items() if name != "step")


def without_nulls(result: TrialResult) -> TrialResult:
    """Leave out what is null: it need not be written."""
    curves = [{name: value for name, value in row.items() if value is not None} for row in result.tables["curves"]]
    result.tables["curves"] = curves
    return result


RECIPES = [
    {"norm": "batch"},
    {"norm": "noisy_batch", "train": {"steps": STEPS, "eval_every": 3, "momentum": 0.9, "weight_decay": 0.01}},
    {"norm": "none", "model": {"name": "vgg", "widths": [4, "M", 4]}, "lr": 0.5},
    {"norm": "layer", "model": CHAIN, "train": {"steps": STEPS, "batch_size": 32, "augment": ["flip"]}},
    {"norm": "batch", "lr": 1e30},
]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_our_own_recipe_written_as_a_loop_gives_our_bits(recipe: dict[str, Any]) -> None:
    fields = {"model": {"name": "mlp", "widths": [8]}, "dataset": {"name": "digits"}, "probes": PROBES, **recipe}
    ours = run_trial(TrialSpec.model_validate({"train": {"steps": STEPS}, "lr": 0.05, **fields}), DIGITS)
    theirs = run_trial(own("like_ours", metric="test_loss", **fields), DIGITS)
    assert comparable(without_nulls(theirs)) == comparable(without_nulls(ours))
    assert theirs.metric == ours.test_loss


def continued(spec: TrialSpec, *stops: int) -> TrialResult:
    """Stop after so many steps each time, and begin again from what was saved."""
    saved = None
    for stop in stops:
        torch.manual_seed(stop)  # whatever drew from the stream in between must not matter
        with closing(train(spec, data_of(spec), saved)) as trial:
            saved = dump(next(islice(trial, stop, None)).state_dict())
    for training in train(spec, data_of(spec), saved):
        result = training.result
    return result


def data_of(spec: TrialSpec) -> Dataset:
    return NOTHING if spec.dataset.name == "none" else DIGITS


def bits(result: TrialResult) -> str:
    return repr({**asdict(result), "probe_time_s": 0})


PROBED = own("regression", probes={"landscape": {"every": 3}, "tests.user_code.probes:counting": {"every": 2}})


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_however_often_and_wherever_it_stops(stops: list[int]) -> None:
    while sum(stops) >= STEPS:
        stops.pop()
    assert bits(continued(PROBED, *stops)) == bits(run_trial(PROBED, NOTHING))


def test_continuing_our_recipe_gives_the_bits_of_a_run_through() -> None:
    spec = own("like_ours", metric="test_loss", model=CHAIN, dataset={"name": "digits"}, norm="noisy_batch")
    assert bits(continued(spec, 3, 2)) == bits(run_trial(spec, DIGITS))


def test_probes_leave_no_trace() -> None:
    plain, probed = run_trial(own("regression"), NOTHING), run_trial(PROBED, NOTHING)
    assert plain.tables["curves"] == probed.tables["curves"]
    assert plain.metric == probed.metric
    assert [row["probed"] for row in probed.tables["seen"]] == [step % 3 == 0 for step in range(STEPS)]
    assert [row["step"] for row in probed.tables["landscape"]] == [step for step in (0, 3, 6) for _ in range(4)]


def test_a_probe_goes_by_the_rate_of_the_step() -> None:
    result = run_trial(PROBED, NOTHING)
    rates = {row["step"]: row["rate"] for row in result.tables["seen"]}
    for row in result.tables["landscape"]:
        assert row["alpha"] == row["lr_multiple"] * rates[row["step"]]


def test_a_seed_fixes_the_streams_across_all_else() -> None:
    one, same, other = (
        run_trial(own("regression", **changes), NOTHING) for changes in ({}, {"norm": "batch"}, {"seed": 1})
    )
    assert one.tables["curves"] == same.tables["curves"] != other.tables["curves"]


def test_a_loop_may_stop_early() -> None:
    result = run_trial(own("regression", options={"stop_after": 3}), NOTHING)
    assert (result.status, result.stop_step, len(result.tables["curves"])) == ("completed", 3, 3)


def test_what_a_loop_is_told_depends_on_the_sweep_file() -> None:
    narrow, wide = (run_trial(own("regression", options={"width": width}), NOTHING) for width in (2, 8))
    assert wide.tables == run_trial(own("regression"), NOTHING).tables
    assert narrow.tables != wide.tables


def test_divergence_is_a_result() -> None:
    result = run_trial(own("gives_up"), NOTHING)
    assert (result.status, result.stop_step, result.stop_reason) == ("diverged", 2, "it goes up")
    result = run_trial(own("regression", lr=1e20), NOTHING)
    assert (result.status, result.metric, result.stop_step) == ("diverged", None, 1)
    assert "mini-batch loss" in str(result.stop_reason)
    assert run_trial(own("returns_nan"), NOTHING).stop_reason == "val_loss nan"


def test_a_loss_that_a_probe_finds_is_not_walked_from() -> None:
    probes = {"landscape": {"at": [1]}}
    result = run_trial(own("regression", lr=1e20, probes=probes), NOTHING)
    assert (result.status, result.stop_step, result.tables["landscape"]) == ("diverged", 1, [])


def test_what_is_cut_off_ends_and_puts_everything_back() -> None:
    threads, stream, dtype = threading.active_count(), torch.get_rng_state(), torch.get_default_dtype()
    with closing(train(own("sets_everything"), NOTHING)) as steps:
        next(islice(steps, 3, None))
        assert threading.active_count() == threads + 1
    run_trial(own("sets_everything"), NOTHING)
    gc.collect()
    assert threading.active_count() == threads
    assert torch.equal(torch.get_rng_state(), stream)
    assert torch.get_default_dtype() == dtype


def test_an_error_has_the_users_line_in_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="too bold a rate") as error:
        run_trial(own("raises", lr=2.0), NOTHING)
    assert any(entry.path.name == "loops.py" for entry in error.traceback)


@pytest.mark.parametrize(("seed", "name"), [(0, "SystemExit: 0"), (1, "KeyboardInterrupt: "), (2, "Unlike: odd")])
def test_what_would_end_a_process_ends_the_trial_alone(seed: int, name: str) -> None:
    with pytest.raises(RuntimeError, match=f"raises_oddly raised {name}"):
        run_trial(own("raises_oddly", seed=seed), NOTHING)


def test_a_loop_that_gives_nothing_to_save_is_not_saved() -> None:
    with closing(train(own("saves_nothing"), NOTHING)) as steps, pytest.raises(NotPlain):
        next(islice(steps, 2, None)).state_dict()


def test_what_is_saved_is_kept_until_the_loop_begins() -> None:
    with closing(train(PROBED, NOTHING)) as steps:
        saved = dump(next(islice(steps, 2, None)).state_dict())
    with closing(train(PROBED, NOTHING, saved)) as steps:
        again = next(steps)
        assert isinstance(again, OwnTraining)
        assert repr(again.state_dict()) == repr(load(saved, torch.device("cpu")))
