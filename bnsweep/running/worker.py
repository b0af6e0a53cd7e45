"""The worker: runs packs one after another on one device, and commits what they give."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from time import monotonic

import torch

from bnsweep.errors import StoreError
from bnsweep.running.packs import Pack, RunContext, Tally, dataset_key
from bnsweep.running.rows import RowBuffer
from bnsweep.running.worker_log import WorkerLog
from bnsweep.spec import TrialSpec
from bnsweep.training.checkpoint import dump
from bnsweep.training.compiling import Compiler
from bnsweep.training.loop import Training, train
from bnsweep.training.memory import is_out_of_memory, reset_peak_memory
from bnsweep.training.optimizers import load_optimizers

COMMIT_EVERY_S = 60.0
"""A worker that dies takes the trials with it that it finished since its last commit, and no older ones."""
WATCH_EVERY_S = 1.0
"""How often a worker looks whether the run is to stop."""


class _Stopped(Exception):  # noqa: N818  # an order, not an error
    """The run is to stop; the trial under way was saved."""


class Worker:
    """Runs packs one after another on one device, which holds the data once for all of them."""

    def __init__(self, context: RunContext, device: torch.device) -> None:
        self.context, self.device, self.log = context, device, WorkerLog.of_this_process()
        self.datasets = {key: data.to(device) for key, data in context.datasets.items()}
        self._saved: set[str] = set()
        self._looked = monotonic()
        self._compiler = Compiler()
        load_optimizers()

    def run(self, pack: Pack) -> Iterator[Tally]:
        """Run the trials in turn and commit their results; yield the tally before every step of training.

        A trial that raises is recorded in `failures/` and leaves the others unharmed; one that is short of memory is
        to be run alone. Where the run is to stop, the trial under way is saved, what finished is committed, and that
        is the end.

        Raises:
            StoreError: results cannot be written, or another run has taken the directory over.
        """
        tally, buffer = Tally(), RowBuffer()
        committed = counted = monotonic()
        for spec, attempt in zip(pack.trials, pack.attempts, strict=True):
            if monotonic() - committed > COMMIT_EVERY_S:
                self._commit(buffer)
                committed = monotonic()
            started_at = datetime.now(UTC)
            self.log.mark()
            try:
                training = yield from self._train(spec, spec.trial_key in pack.saved, tally)
            except _Stopped:
                break
            except StoreError:
                raise
            except Exception as error:  # a bug in one trial must not take its neighbours along
                tally += self._failed(spec, attempt, error, pack.has_whole_gpus)
            else:
                buffer.add(training, self.context, {"attempt": attempt, "started_at": started_at})
                tally += Tally(diverged=1) if training.result.status == "diverged" else Tally(completed=1)
            tally, counted = tally + Tally(busy_s=monotonic() - counted), monotonic()
        self._commit(buffer)
        yield tally + Tally(busy_s=monotonic() - counted)

    def _train(self, spec: TrialSpec, is_saved: bool, tally: Tally) -> Generator[Tally, None, Training]:
        """Train a trial, from where a worker before this one saved it; yield the tally at each step."""
        reset_peak_memory(self.device)
        saved = None
        if is_saved:
            saved = self.context.store.load_checkpoint(spec.trial_key)
            self._saved.add(spec.trial_key)
        save_at, can_be_saved = monotonic() + self.context.checkpoint_every_s, True
        with closing(train(spec, self.datasets[dataset_key(spec.dataset)], saved, self._compiler)) as trial:
            for training in trial:
                yield tally
                must_stop = self._must_stop()
                if can_be_saved and (must_stop or monotonic() > save_at):
                    can_be_saved = self._save(training)
                    save_at = monotonic() + self.context.checkpoint_every_s
                if must_stop:
                    raise _Stopped
        return training

    def _save(self, training: Training) -> bool:
        """Save a trial under way; return whether that can be done, since a user's probe may not allow it."""
        try:
            content = dump(training.state_dict())
        except (pickle.PicklingError, AttributeError, TypeError):
            return False
        self.context.store.save_checkpoint(training.spec.trial_key, content)
        self._saved.add(training.spec.trial_key)
        return True

    def _must_stop(self) -> bool:
        """Return whether the driver asked to stop; it is looked up once in a while only."""
        if monotonic() - self._looked < WATCH_EVERY_S:
            return False
        self._looked = monotonic()
        return self.context.store.is_stopping(self.context.token)

    def _commit(self, buffer: RowBuffer) -> None:
        committed = self._saved & buffer.commit(self.context)
        self.context.store.drop_checkpoints(committed)
        self._saved -= committed

    def _failed(self, spec: TrialSpec, attempt: int, error: Exception, had_whole_gpus: bool) -> Tally:
        """Record why a trial has no result; the next attempt begins anew."""
        store, key = self.context.store, spec.trial_key
        row = {
            "trial_key": key,
            "attempt": attempt,
            "error": f"{type(error).__name__}: {error}",
            "traceback": "".join(traceback.format_exception(error)),
            "log": self.log.path,
            "failed_at": datetime.now(UTC),
            "log_tail": self.log.tail(),
            "spec": spec.to_json(),
        }
        store.record_failure(row, self.context.token)
        store.drop_checkpoints({key})
        if is_out_of_memory(error) and not had_whole_gpus:
            return Tally(short_of_memory=(key,))
        return Tally(failed=1)
