"""The coordinator as an actor: without processors of its own, on the driver's node, started anew where it dies."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bnsweep.errors import InputError, StoreError
from bnsweep.running.job import Job, ServiceStatus
from bnsweep.running.packs import Delivery, Pack, Receipt, Wait, Whereabouts, WorkerFailure
from bnsweep.running.service import END_WITHIN_S, Service
from bnsweep.running.widening import Answer
from bnsweep.spec.sweep import Sweep

THREADS = 32
"""How many calls it answers at a time; those about checkpoints take as long as the store does."""
NAMESPACE = "bnsweep"
"""Of the names of actors, for drivers of all jobs of a cluster."""
GONE = "the process that writes the results ended, and Ray could not start it again; the same command continues"


class CoordinatorActor(Service):
    """A service whose process has the driver's environment, the credentials of an object store among it."""

    def __init__(self, job: Job, environment: Mapping[str, str]) -> None:
        for name, value in environment.items():
            os.environ.setdefault(name, value)
        super().__init__(job, is_again=bool(ray.get_runtime_context().was_current_actor_reconstructed))


class RemoteService:
    """The coordinator as other processes see it: `Service`, each call answered by the actor.

    Ray says again what an actor that died has not answered, to the one that is started in its place.
    """

    def __init__(self, actor: Any) -> None:
        self.actor = actor

    def take(self, worker: Whereabouts) -> Pack | Wait | None:
        """Return what a worker is to do."""
        given: Pack | Wait | None = ray.get(self.actor.take.remote(worker))
        return given

    def deliver(self, delivery: Delivery) -> Receipt:
        """Hand over what a worker has done."""
        receipt: Receipt = ray.get(self.actor.deliver.remote(delivery))
        return receipt

    def resume(self, worker: Whereabouts, pack: Pack) -> Pack:
        """Tell it what its predecessor has handed out."""
        resumed: Pack = ray.get(self.actor.resume.remote(worker, pack))
        return resumed

    def save_checkpoint(self, trial: int, content: bytes) -> None:
        """Keep the state of a trial under way."""
        ray.get(self.actor.save_checkpoint.remote(trial, content))

    def load_checkpoint(self, trial: int) -> bytes | None:
        """Return the state of a trial."""
        content: bytes | None = ray.get(self.actor.load_checkpoint.remote(trial))
        return content

    def lost(self, worker: str, failure: WorkerFailure) -> None:
        """Take back the pack of a worker that is no more."""
        ray.get(self.actor.lost.remote(worker, failure))

    def latest_at(self, place: str) -> Whereabouts | None:
        """Return the last worker that was heard of at a place."""
        found: Whereabouts | None = ray.get(self.actor.latest_at.remote(place))
        return found

    def status(self) -> ServiceStatus:
        """Return how far it is."""
        status: ServiceStatus = ray.get(self.actor.status.remote())
        return status

    def stop(self) -> None:
        """Hand out no more, and have workers save what is under way."""
        ray.get(self.actor.stop.remote())

    def give_up_packs(self) -> None:
        """Wait for no worker any more."""
        ray.get(self.actor.give_up_packs.remote())

    def missing(self) -> list[str]:
        """Return the keys of the trials that have no result."""
        keys: list[str] = ray.get(self.actor.missing.remote())
        return keys

    def widen(self, sweep: Sweep) -> Answer:
        """Give it the trials of a sweep that declares more."""
        answer: Answer = ray.get(self.actor.widen.remote(sweep))
        return answer


def actor_name(root: str) -> str:
    """Return the name of the actor that writes to a directory."""
    return f"coordinator of {root}"


def widen_run(sweep: Sweep, root: str) -> Answer:
    """Give the run that writes to a directory, on the cluster that Ray has joined, the trials of a sweep.

    Raises:
        InputError: no run writes there, or it cannot be given them.
    """
    try:
        answer = RemoteService(ray.get_actor(actor_name(root), namespace=NAMESPACE)).widen(sweep)
    except (ValueError, RayActorError):
        answer = Answer(refusal="no run goes on there")
    if answer.refusal:
        raise InputError(f"{root}: the run cannot be given more trials: {answer.refusal}")
    return answer


@contextmanager
def coordinator_actor(job: Job) -> Iterator[RemoteService]:
    """Have a coordinator for the time of the block.

    Raises:
        StoreError: it is no more, and cannot be started again.
    """
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "max_concurrency": THREADS}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "CUDA_"))}
    kind: Any = ray.remote(CoordinatorActor)
    start = partial(kind.options, **options, scheduling_strategy=here)
    try:
        actor = start(name=actor_name(job.store.root), namespace=NAMESPACE).remote(job, environment)
    except ValueError:  # another run has the name, for whose lease this one waits
        actor = start().remote(job, environment)
    try:
        yield RemoteService(actor)
    except RayActorError as error:
        raise StoreError(f"{job.store.root}: {GONE}") from error
    finally:
        with suppress(RayActorError, GetTimeoutError):
            ray.get(actor.close.remote(), timeout=2 * END_WITHIN_S)
        ray.kill(actor)
