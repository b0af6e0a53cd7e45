"""Probes of the user's own: what is refused, where their rows go, and that none leaves a trace."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import sleep

import pandas as pd
import pyarrow as pa
import pytest
import torch

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.probes import build_probes
from bnsweep.probes.custom import load_probe
from bnsweep.results import Store
from bnsweep.results.tables import to_table
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.service import Service
from bnsweep.running.tally import Tally
from bnsweep.spec import DigitsSpec, ProbesSpec, TrialSpec
from bnsweep.training.loop import run_trial
from tests.probes.tiny_trials import TinyTrial, third_step
from tests.running.jobs import job_of, worker_at
from tests.user_code import probes as user_probes

DIGITS = load_dataset(DigitsSpec(name="digits"))
Build = Callable[..., TrialSpec]

BAD = [
    ("tests.nowhere:probe", {}, r"probes\.tests\.nowhere:probe: .* cannot be loaded \(No module named"),
    (
        "tests.user_code.probes:nowhere",
        {},
        r"cannot be loaded \(.* has no attribute 'nowhere'\); allowed: ",
    ),
    ("tests.user_code.probes:NO_CALLABLE", {}, r"is a int; it should be callable"),
    (
        "tests.user_code.probes:weight_norms",
        {"pwer": 1},
        r"cannot be called with pwer: got an unexpected .*'pwer'",
    ),
    ("tests.user_code.probes:odd_power", {}, r"fails when called: ValueError: power must be even \(.*probes\.py:\d+\)"),
    ("tests.user_code.probes:nothing", {}, r"what it returns should be callable and have a table and columns"),
    (
        "tests.user_code.probes:with_table",
        {"table": "ics"},
        r"its table is 'ics'; it should be a name of its own in lower case, n",
    ),
    ("tests.user_code.probes:with_table", {"table": "ICS"}, r"its table is 'ICS'"),
    ("tests.user_code.probes:with_table", {"table": "_x"}, r"its table is '_x'"),
    ("tests.user_code.probes:with_table", {"table": "a/b"}, r"its table is 'a/b'"),
    ("tests.user_code.probes:with_columns", {}, r"its columns include lr, which every table has already"),
    ("tests.user_code.probes:untyped", {}, r"the types of its columns parameter should be pyarrow types"),
]

UNFIT = {
    "nothing": "returned None; it should return a list of rows",
    "numbers": r"returned \[3\]; it should return a list of rows",
    "no step": "returned a row with v; it should have step, v",
    "another step": "returned a row of step 3 at step 2; it should be ctx.step",
    "a column too many": "returned a row with step, v, lr; it should have step, v",
    "a column too few": "returned a row with step; it should have step, v",
    "a text": "returned a value that its column cannot hold",
    "a tensor": "returned a value that its column cannot hold",
}


@pytest.mark.parametrize(("name", "options", "message"), BAD, ids=[entry[2][:40] for entry in BAD])
def test_what_is_wrong_is_named(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_probe(name, options)


def test_one_table_one_probe() -> None:
    spec = ProbesSpec.model_validate(
        {"tests.user_code.probes:weight_norms": {"every": 1}, "tests.user_code.probes:holding_a_file": {"every": 1}}
    )
    with pytest.raises(InputError, match=r"probes:holding_a_file: another probe's table is 'weight_norms' already"):
        build_probes(spec, 9)


@pytest.mark.parametrize("kind", user_probes.UNUSUAL)
def test_a_column_that_cannot_be_stored_is_refused_before_the_run(kind: str) -> None:
    with pytest.raises(InputError, match=r"probes:of_type: .*column parameter .*Parquet"):
        load_probe("tests.user_code.probes:of_type", {"kind": kind})


@pytest.mark.parametrize(("what", "message"), UNFIT.items())
def test_rows_that_do_not_fit_are_an_error_that_names_the_probe(what: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"^probes\.tests\.user_code\.probes:returning: {message}"):
        load_probe("tests.user_code.probes:returning", {"what": what})(third_step("mlp", "none"))


def test_an_error_of_its_own_is_kept_and_has_a_note_of_its_name() -> None:
    with pytest.raises(ZeroDivisionError) as error:
        load_probe("tests.user_code.probes:returning", {"what": "an error"})(third_step("mlp", "none"))
    assert error.value.__notes__ == ["probes.tests.user_code.probes:returning, at step 2"]


@pytest.mark.parametrize("what", user_probes.FITS)
def test_rows_that_fit_become_plain_values(what: str) -> None:
    probe = load_probe("tests.user_code.probes:returning", {"what": what})
    rows = probe(third_step("mlp", "none"))
    assert all(type(row["step"]) is int and type(row["v"]) in (float, type(None)) for row in rows)
    assert to_table(probe.schema, rows).num_rows == len(rows) == len(user_probes.FITS[what](2))


def test_a_column_may_say_what_it_means() -> None:
    probe = load_probe("tests.user_code.probes:weight_norms", {})
    assert probe.schema.field("norm_power").metadata == {b"meaning": b"the norm to some power"}
    assert probe.schema.field("norm_power").nullable  # a value that is missing must not spoil a commit
    assert probe.schema.field("parameter").type == pa.string()
    assert probe.schema.metadata[b"table"] == b"weight_norms"
    assert pickle.loads(pickle.dumps(probe)).schema == probe.schema


def stored(out: Path, *trials: TrialSpec) -> tuple[Store, Tally]:
    """Run trials in this process; return what is stored, and how they ended."""
    store, context = Store.open(out), RunContext("own", trials, None, {dataset_key(trials[0].dataset): DIGITS})
    with closing(Service(job_of(trials, store))) as service:
        for pause_s in worker_at(service, context).work():
            sleep(pause_s)
        run = service.status().run
    assert run is not None
    return store, run.tally


def test_its_rows_are_committed_like_any_tables(spec: Build, tmp_path: Path) -> None:
    trial = spec(probes={"tests.user_code.probes:weight_norms": {"every": 4}})
    assert stored(tmp_path / "out", trial)[1] == Tally(completed=1)
    frame = pd.read_parquet(tmp_path / "out" / "weight_norms")
    assert sorted(set(frame.step)) == [0, 4]
    assert set(frame.trial_key) == {trial.trial_key}
    assert (frame.lr == trial.lr).all()


@pytest.mark.parametrize("what", user_probes.UNFIT)
def test_rows_that_do_not_fit_fail_their_own_trial_alone(spec: Build, tmp_path: Path, what: str) -> None:
    bad = spec(seed=1, probes={"tests.user_code.probes:returning": {"every": 4, "what": what}})
    good = spec(probes={"tests.user_code.probes:weight_norms": {"every": 4}})
    store, tally = stored(tmp_path / "out", good, bad, spec(seed=2))
    assert tally == Tally(completed=2, failed=1)
    (failure,) = store.read("failures").to_pylist()
    assert "probes.tests.user_code.probes:returning" in failure["traceback"]
    assert store.finished() == {good.trial_key, spec(seed=2).trial_key}


@pytest.mark.parametrize("how", user_probes.MEDDLING)
@pytest.mark.parametrize("model", ["chain", "flipped"])
def test_it_leaves_no_trace_whatever_it_writes_to(spec: Build, model: str, how: str) -> None:
    """The trial has the bits of one without it, and what is measured after it in the same step too."""
    name = f"tests.user_code.{'models' if model == 'chain' else 'edge_case_models'}:{model}"
    meddling = {"tests.user_code.probes:meddling": {"every": 1, "how": how}}
    after = {"tests.user_code.probes:weight_norms": {"every": 1}}
    fields = {"model": {"name": name}, "norm": "batch", "lr": 0.05}
    fields["train"] = {"steps": 4, "batch_size": 32, "optimizer": "adam", "eval_every": 2}
    plain, probed = (run_trial(spec(**fields, probes=probes), DIGITS) for probes in (after, {**meddling, **after}))
    for table in ("curves", "weight_norms"):
        assert plain.tables[table] == probed.tables[table]
    assert plain.test_loss == probed.test_loss


@pytest.mark.parametrize("how", user_probes.MEDDLING)
def test_the_step_is_as_it_was_for_the_next_probe(how: str) -> None:
    trial = TinyTrial("chain", "batch", dtype=torch.float32)
    *_, ctx = trial.steps(2)
    ctx = replace(ctx, params_after={name: w.detach() for name, w in trial.model.named_parameters()})  # as in a trial
    ours = build_probes(ProbesSpec.model_validate({name: {"every": 1} for name in ("landscape", "ics")}), 4)
    before = [probe.measure(ctx) for probe in ours]
    load_probe("tests.user_code.probes:meddling", {"how": how})(ctx)
    assert [probe.measure(ctx) for probe in ours] == before
    assert torch.is_grad_enabled()
    assert all(module.training for module in trial.model.modules())
    assert all(parameter.requires_grad for parameter in trial.model.parameters())
