"""A trial that is saved between two steps and continued gives the bits of one that never stopped."""

from __future__ import annotations

import io
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.spec import TrialSpec
from bnsweep.training.checkpoint import FORMAT, NotPlain, dump, load
from bnsweep.training.loop import run_trial, train
from bnsweep.training.result import TrialResult
from tests.samples import few_digits

DIGITS = few_digits(train=256)
STEPS = 7
PROBES = {"landscape": {"every": 3}, "ics": {"every": 3}, "moments": {"every": 2}}
CHAIN = {"name": "tests.user_code.models:chain", "width": 2}


def trial(**changes: object) -> TrialSpec:
    fields: dict[str, object] = {
        "model": CHAIN,
        "dataset": {"name": "digits"},
        "train": {"steps": STEPS, "batch_size": 64, "eval_every": 4, "momentum": 0.9, "weight_decay": 0.01},
        "lr": 0.01,
        "probes": PROBES,
    }
    return TrialSpec.model_validate(fields | changes)


def continued(spec: TrialSpec, *stops: int) -> TrialResult:
    """Stop after so many steps each time, and begin again from what was saved."""
    saved = None
    for stop in stops:
        torch.manual_seed(stop)  # whatever drew from the stream in between must not matter
        saved = saved_after(stop, spec, saved)
    for training in train(spec, DIGITS, saved):
        result = training.result
    return result


def saved_after(steps: int, spec: TrialSpec, saved: bytes | None = None) -> bytes:
    with closing(train(spec, DIGITS, saved)) as trial:
        return dump(next(islice(trial, steps, None)).state_dict())


def same(left: TrialResult, right: TrialResult) -> bool:
    """Compare all but the time, NaN equal to itself."""
    return repr(asdict(left) | {"probe_time_s": 0}) == repr(asdict(right) | {"probe_time_s": 0})


ADAM = {"steps": STEPS, "batch_size": 64, "optimizer": "adam"}
STEPPED = {"steps": STEPS, "batch_size": 64, "momentum": 0.9, "nesterov": True, "schedule": "step"}
SCHEDULED = {**ADAM, "optimizer": "adamw", "clip_norm": 0.5, "schedule": "cosine", "warmup": 4}
CASES = [
    {"norm": "batch"},
    {"norm": "noisy_batch"},
    {"norm": "none", "train": ADAM},
    {"norm": "batch", "train": ADAM},
    {"norm": "batch", "train": SCHEDULED},
    {"norm": "none", "train": STEPPED},
    {"norm": "noisy_batch", "model": {"name": "resnet", "depth": 8, "width": 2}},
]


@pytest.mark.parametrize("changes", CASES, ids=str)
def test_continuing_gives_the_bits_of_a_run_through(changes: dict[str, object]) -> None:
    spec = trial(**changes)
    whole = run_trial(spec, DIGITS)
    assert same(continued(spec, 3), whole)
    assert not same(whole, run_trial(trial(**changes, seed=1), DIGITS))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_however_often_and_wherever_it_stops(stops: list[int]) -> None:
    while sum(stops) > STEPS:
        stops.pop()
    spec = trial(norm="noisy_batch", model={"name": "mlp", "widths": [4]})
    assert same(continued(spec, *stops), run_trial(spec, DIGITS))


def test_a_trial_that_diverges_after_it_was_continued_ends_there() -> None:
    spec = trial(lr=1e5, train={"steps": STEPS, "batch_size": 64, "max_loss": 1e3})
    whole = run_trial(spec, DIGITS)
    assert whole.status == "diverged"
    assert 1 <= whole.stop_step < STEPS
    assert same(continued(spec, 1), whole)


def test_time_before_the_stop_counts() -> None:
    started = perf_counter()
    saved = saved_after(3, trial())
    with closing(train(trial(), DIGITS, saved)) as again:
        continued = next(again)
        assert continued.step == 3
        assert perf_counter() - started > continued.earlier_s > 0
        assert continued.wall_time_s > continued.earlier_s


def test_the_callers_random_stream_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    saved_after(2, trial(), saved_after(2, trial()))
    assert torch.equal(torch.get_rng_state(), before)


def test_what_another_version_saved_is_begun_anew() -> None:
    spec = trial()
    buffer = io.BytesIO()
    torch.save({"step": 3}, buffer)  # as before the format had a name
    (first, *_) = [training.step for training in train(spec, DIGITS, buffer.getvalue())]
    assert first == 0
    assert next(train(spec, DIGITS, saved_after(3, spec))).step == 3


OWN_CODE = """
import bnsweep
from torch import nn

@bnsweep.trial
def loop(config, ctx):
    for _ in ctx.steps(net=nn.Linear(1, 1)):
        pass
    return {"val_loss": 0.0}

def net(input_shape, num_classes, norm):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))
"""
OWN = [
    trial(model={"name": "bnsweep_test_saved:net"}, probes={}),
    TrialSpec.model_validate(
        {
            "trial": {"name": "bnsweep_test_saved:loop", "metric": {"name": "val_loss", "mode": "min"}},
            "train": {"steps": STEPS},
            "lr": 0.1,
        }
    ),
]


def step_reached(spec: TrialSpec, saved: bytes) -> int:
    """Return after which step a process hears first of a trial that it continues."""
    with closing(train(spec, DIGITS, saved)) as again:
        return next(islice(again, 1, None)).step


@pytest.mark.long
def test_what_was_saved_of_code_that_was_edited_since_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bnsweep_test_saved.py"
    file.write_text(OWN_CODE)
    monkeypatch.chdir(tmp_path)
    saved = [saved_after(3, spec) for spec in OWN]
    assert [*map(step_reached, OWN, saved)] == [4, 4]
    file.write_text(f"{OWN_CODE}\nedited = True\n")
    with ProcessPoolExecutor(1, get_context("spawn")) as another:
        assert [*another.map(step_reached, OWN, saved)] == [1, 1]


@pytest.mark.parametrize("probe", ["counting", "averaging"])
def test_a_probe_of_the_users_own_remembers_what_it_did(probe: str) -> None:
    spec = trial(probes={f"tests.user_code.probes:{probe}": {"every": 2}})
    whole = run_trial(spec, DIGITS)
    assert same(continued(spec, 3), whole)
    assert len(whole.tables["counts" if probe == "counting" else "averages"]) == 4


@pytest.mark.parametrize("what", ["holding_a_file", "closed_over"])
def test_a_probe_that_remembers_what_is_not_plain_cannot_be_saved(what: str) -> None:
    with pytest.raises(NotPlain):
        saved_after(2, trial(probes={f"tests.user_code.probes:{what}": {"every": 1}}))


def test_what_a_users_module_keeps_in_plain_attributes_is_continued() -> None:
    spec = trial(model={"name": "tests.user_code.recomputing:ticking"})
    assert same(continued(spec, 2, 3), run_trial(spec, DIGITS))


def test_a_module_that_trains_more_of_its_parameters_later_is_continued() -> None:
    spec = trial(model={"name": "tests.user_code.changing:net", "how": "thawed"})
    whole = run_trial(spec, DIGITS)
    assert same(continued(spec, 5), whole)
    norms = [row["grad_norm"] for row in whole.tables["curves"] if "grad_norm" in row]
    assert all(norm > 0 for norm in norms)


def test_a_trial_whose_module_keeps_what_is_not_plain_cannot_be_saved() -> None:
    with pytest.raises(NotPlain, match="neither a tensor nor a plain value"):
        saved_after(2, trial(model={"name": "tests.user_code.recomputing:counting"}))


@pytest.mark.parametrize("value", [object(), {1: {"a": [object()]}}, torch.nn.Linear(1, 1), frozenset({1})])
def test_what_is_neither_tensor_nor_plain_is_refused(value: object) -> None:
    with pytest.raises(NotPlain):
        dump({"value": value})


class Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.putenv, ("HACKED",)  # would fail, were it called


def test_nothing_that_is_read_runs_code() -> None:
    buffer = io.BytesIO()
    torch.save({"step": Malicious()}, buffer)
    assert load(FORMAT + buffer.getvalue(), torch.device("cpu")) is None
    assert load(FORMAT + pickle.dumps(Malicious()), torch.device("cpu")) is None
    spec = trial()
    assert next(train(spec, DIGITS, FORMAT + buffer.getvalue())).step == 0
