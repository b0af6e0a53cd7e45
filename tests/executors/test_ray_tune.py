"""What only Ray can do: lose a worker."""

from __future__ import annotations

import json
import re
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import psutil
import pytest
import ray
from ray._private.node import Node
from ray._private.ray_constants import DASHBOARD_ADDRESS, KV_NAMESPACE_DASHBOARD
from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR
from ray.experimental.internal_kv import _internal_kv_get

from bnsweep.data import Dataset
from bnsweep.error_texts import without_place
from bnsweep.errors import StartError
from bnsweep.executors import make_executor
from bnsweep.results import Store
from bnsweep.running.packs import RunContext
from bnsweep.running.plan import Plan
from bnsweep.running.prepare import prepare
from bnsweep.running.run import opened, run
from bnsweep.running.startup import started
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY
from tests.frames import same_rows
from tests.processes import bnsweep, start_and_wait_for_a_commit
from tests.running.jobs import job_of

DEADLY = """
name: deadly
model: {name: "tests.user_code.crashing_models:net"}
dataset: {name: digits}
train: {steps: 3, batch_size: 32}
axes:
  model.deadly: [false, true]
  seed: {range: 10}
"""


@pytest.mark.long
def test_a_trial_that_kills_its_worker_alone_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = Sweep.from_text(DEADLY)
    places = {(spec.model.options["deadly"], spec.seed): place for place, spec in enumerate(declared.trials)}
    trials = declared.trials.take([*(places[False, seed] for seed in range(10)), places[True, 3]])
    both = replace(declared, trials=trials)
    monkeypatch.setattr(
        "bnsweep.running.coordinator.pack_sizing.PackSizing.size", lambda _, num_left: (num_left + 1) // 2
    )
    store, executor = Store.open(tmp_path / "out"), make_executor("ray")
    with started(both, store, Plan.of(both, store), executor) as prepared:
        failed = run(prepared, executor, lambda *_: lambda _: None)
    *harmless, culprit = trials
    assert failed == [culprit.trial_key]
    assert store.finished() == {spec.trial_key for spec in harmless}
    (failure,) = store.read("failures").to_pylist()
    assert failure["trial_key"] == culprit.trial_key
    assert "died" in failure["traceback"]
    assert re.search("killed .*memory", failure["error"])
    assert "about to die" in failure["log_tail"]
    assert TrialSpec.model_validate_json(failure["spec"]) == culprit


LOSSY = """
name: lossy
model: {name: "tests.user_code.crashing_models:loses_the_gpu", pids: PIDS}
dataset: {name: digits}
train: {steps: 3, batch_size: 32}
axes: {model.times: [2, 9]}
"""


@pytest.mark.long
def test_a_worker_that_lost_its_gpu_is_replaced_by_another_process(tmp_path: Path) -> None:
    declared = Sweep.from_text(LOSSY.replace("PIDS", str(tmp_path / "pids")))
    twice, always = sorted(declared.trials, key=lambda spec: int(spec.model.options["times"]))
    store, executor = Store.open(tmp_path / "out"), make_executor("ray")
    with started(declared, store, Plan.of(declared, store), executor) as prepared:
        left = run(prepared, executor, lambda *_: lambda _: None)
    assert left == [always.trial_key]
    failures = store.read("failures").to_pylist()
    attempts = sorted((failure["trial_key"], failure["attempt"]) for failure in failures)
    assert attempts == sorted([*((twice.trial_key, n) for n in (1, 2)), *((always.trial_key, n) for n in (1, 2, 3))])
    assert {without_place(failure["error"]).partition("\n")[0] for failure in failures} == {
        "AcceleratorError: CUDA error: device-side assert triggered"
    }
    pids = [pid for times in (2, 9) for pid in (tmp_path / f"pids-{times}").read_text().split()]
    assert len(set(pids)) == len(pids) == len(attempts)


class Unmovable:
    """Data that no worker gets onto its device."""

    def to(self, device: object) -> None:
        raise RuntimeError(f"no room on {device}")


@pytest.mark.long
def test_where_no_worker_starts_the_run_ends_with_the_reason(tmp_path: Path) -> None:
    trials, store = tuple(Sweep.from_text(TINY).trials), Store.open(tmp_path / "out")
    context = RunContext("tiny", trials, None, {"data": cast("Dataset", Unmovable())})
    with make_executor("ray", max_workers=1) as executor, executor.coordinating(job_of(trials, store)) as coordination:
        opened(coordination)
        with pytest.raises(StartError, match=r"workers do not start: .*no room on cpu"):
            executor.run(coordination, context, Resources(), lambda _: None, lambda: False)
    assert store.finished() == set()


def test_ray_on_one_machine_starts_no_services_for_clusters() -> None:
    start, before = Node.start_api_server, set(psutil.Process().children(recursive=True))  # a cluster of other tests
    with make_executor("ray"):
        commands = [command(process) for process in set(psutil.Process().children(recursive=True)) - before]
        agent_address = _internal_kv_get(DASHBOARD_ADDRESS, namespace=KV_NAMESPACE_DASHBOARD)
    assert any("raylet" in command for command in commands)
    assert not [command for command in commands if re.search(r"dashboard\.py|monitor\.py", command)]
    assert agent_address, "its agent logs a traceback each second"
    assert Node.start_api_server is start


def command(process: psutil.Process) -> str:
    with suppress(psutil.Error):  # it has ended
        return " ".join(process.cmdline())
    return ""


def test_in_a_ray_job_a_ray_of_our_own_has_not_the_jobs_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    job = {"runtime_env": {"working_dir": "gcs://_ray_pkg_of_another_ray.zip"}, "metadata": {}}
    monkeypatch.setenv(RAY_JOB_CONFIG_JSON_ENV_VAR, json.dumps(job))
    with make_executor("ray"):
        assert not ray.get_runtime_context().runtime_env


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_run_that_is_ended_continues(tmp_path: Path, how: signal.Signals) -> None:
    sweep_file, out = tmp_path / "tiny.yaml", tmp_path / "out"
    sweep_file.write_text(TINY.replace("steps: 6", "steps: 90").replace("range: 2", "range: 4"))
    process = start_and_wait_for_a_commit(out, sweep_file)
    process.send_signal(how)
    output, _ = process.communicate()
    assert process.returncode == (130 if how == signal.SIGTERM else -signal.SIGKILL)
    assert ("the same command continues" in output) == (how == signal.SIGTERM)
    done = len(Store.open(out).finished())
    assert 0 < done < 24
    again = bnsweep("run", sweep_file, "--out", out)
    found = re.search(r"(\d+) of 24 trials done", again.stdout)
    assert found, again.stderr
    assert int(found[1]) == done
    reference = Store.open(tmp_path / "reference")
    sweep = Sweep.from_yaml(sweep_file)
    prepared = prepare(sweep, reference, Plan.of(sweep, reference))
    assert run(prepared, make_executor("serial"), lambda *_: lambda _: None) == []
    for table in ("trials", "curves", "landscape", "ics", "moments"):
        assert same_rows(Store.open(out).read(table).to_pandas(), reference.read(table).to_pandas())
