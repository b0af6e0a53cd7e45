"""The Ray Tune executor: a Tune trial is a pack, run by persistent workers (`reuse_actors`)."""

from __future__ import annotations

import logging
import math
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from time import monotonic
from typing import Any, Self

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.result import DONE

from bnsweep.device import prepare_device
from bnsweep.errors import InputError
from bnsweep.executors.base import Lost, Report
from bnsweep.executors.pack import Job, Pack, Tally, Worker
from bnsweep.sweep import Resources

REPORT_EVERY_S = 2.0
"""A worker reports to Tune no more often: each report costs the driver milliseconds."""
MAX_RETRIES = 2
"""Retries of a pack whose worker died or could not commit, after which it is given up."""
REACHABLE_WITHIN_S = 10.0
TUNE_SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our rows go to the store, not to JSON, CSV and TensorBoard
    "RAY_AIR_NEW_OUTPUT": "0",  # the one output that verbose=0 silences
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is the run's to handle
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


class PackTrainable(tune.Trainable):
    """One Tune trial: a pack. The actor and its data stay from pack to pack."""

    def setup(self, config: dict[str, Any], packs: Any = None, job: Any = None, resources: Any = None) -> None:
        """Build the worker, once for the actor's life."""
        self._packs = packs
        self._worker = Worker(job, prepare_device(resources))
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Turn to another pack, keeping the worker."""
        self._tallies = self._worker.run(self._packs[new_config["pack"]])
        return True

    def step(self) -> dict[str, Any]:
        """Run trials for a while and report the tally; a pack's last trial ends the step."""
        size, until = len(self._packs[self.config["pack"]].trials), monotonic() + REPORT_EVERY_S
        tally = next(self._tallies)
        while tally.ended < size and monotonic() < until:
            tally = next(self._tallies)
        return {**asdict(tally), DONE: tally.ended == size}


class _Reporter(tune.Callback):
    """Passes on what the workers report."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __getstate__(self) -> dict[str, Any]:
        """Leave out where reports go: Tune saves its callbacks, and that is a thing of this process."""
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        tally = Tally(result["completed"], result["diverged"], result["failed"])
        self._report(trial.config["pack"], tally)


class RayTuneExecutor:
    """Starts a Ray of its own on this machine, or joins the cluster at `address`."""

    def __init__(self, address: str | None = None) -> None:
        self.address = address or "local"

    def __enter__(self) -> Self:
        """Start or join Ray."""
        os.environ.update(TUNE_SETTINGS)
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        terminate = signal.getsignal(signal.SIGTERM)
        local: dict[str, Any] = {"include_dashboard": False} if self.address == "local" else {}
        _check_reachable(self.address)
        try:
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR, **local)
        except (ConnectionError, ValueError) as error:
            raise InputError(f"--address {self.address}: no Ray cluster is running here; give host:port") from error
        signal.signal(signal.SIGTERM, terminate)  # Ray has put its own in place, which ends the process at once
        return self

    def __exit__(self, *exception: object) -> None:
        """Shut down the Ray that was started, or leave the cluster."""
        ray.shutdown()

    def num_workers(self, resources: Resources) -> int:
        """Return how many workers fit into the cluster as it is now.

        Raises:
            InputError: not even one fits.
        """
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]  # ray's
        wanted = {"CPU": resources.cpus, "GPU": resources.gpus}
        for key, unit, hint in (("cpus", "CPU", "ask for fewer"), ("gpus", "GPU", "set gpus: 0 for the CPU")):
            most = max(node.get(unit, 0) for node in nodes)
            if wanted[unit] > most:
                where = "this machine has" if self.address == "local" else "no node of the cluster has more than"
                raise InputError(f"resources.{key}: {wanted[unit]:g} asked for, {where} {most:g}; {hint}")
        fits = [min(node.get(unit, 0) / need for unit, need in wanted.items() if need) for node in nodes]
        return sum(math.floor(fit + 1e-9) for fit in fits)

    def run(self, packs: Sequence[Pack], job: Job, resources: Resources, report: Report) -> list[Lost]:
        """Run every pack on the cluster; give up a pack whose worker died `MAX_RETRIES` times after the first."""
        state = tempfile.mkdtemp(prefix="bnsweep-tune-")
        trainable = tune.with_parameters(PackTrainable, packs=list(packs), job=job, resources=resources)
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": resources.cpus, "gpu": resources.gpus}),
            param_space={"pack": tune.grid_search(list(range(len(packs))))},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(
                name=job.sweep,
                storage_path=state,
                failure_config=tune.FailureConfig(max_failures=MAX_RETRIES),
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
                callbacks=[_Reporter(report)],
                verbose=0,
            ),
        )
        try:
            grid = tuner.fit()
            return [_lost(grid[number]) for number in range(len(grid)) if grid[number].error]
        finally:
            shutil.rmtree(state, ignore_errors=True)


def _check_reachable(address: str) -> None:
    """Raise `InputError` where nothing listens at host:port; Ray itself would wait for minutes."""
    if address in ("local", "auto"):
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise InputError(f"--address: given '{address}'; it should be auto, or host:port of the cluster's head")
    try:
        socket.create_connection((host, int(port)), timeout=REACHABLE_WITHIN_S).close()
    except OSError as error:
        raise InputError(
            f"--address {address}: no Ray cluster answers there ({error}); give auto or host:port"
        ) from error


def _lost(result: tune.Result) -> Lost:
    text = str(result.error).strip()
    config = result.config or {}
    return Lost(config["pack"], f"{type(result.error).__name__}: {text.splitlines()[-1]}", text)
