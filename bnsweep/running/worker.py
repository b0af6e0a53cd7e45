"""The worker: asks for packs, runs their trials in turn on one device, and delivers what they give."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from time import monotonic

import torch

from bnsweep.error_texts import error_text
from bnsweep.errors import DeviceLost
from bnsweep.running.failure_rows import raised_row
from bnsweep.running.outgoing import Outgoing
from bnsweep.running.packs import Desk, Ended, Ending, Pack, RunContext, Wait, Whereabouts, dataset_key
from bnsweep.running.rows import EndedTrial
from bnsweep.running.worker_log import WorkerLog
from bnsweep.spec import TrialSpec
from bnsweep.training.checkpoint import NotPlain, dump
from bnsweep.training.compiling import Compiler
from bnsweep.training.device_errors import is_out_of_memory, let_go, lost_device
from bnsweep.training.loop import AnyTraining, train
from bnsweep.training.memory import reset_peak_memory
from bnsweep.training.optimizers import load_optimizers


class _BrokenOff(Exception):  # noqa: N818  # an order, not an error
    """The trial under way is to end: another worker has its result, or the run is to stop and it was saved."""


class Worker:
    """Runs packs on one device, which holds the data once for all of them.

    Args:
        context: what all packs share.
        device: to train on.
        desk: the coordinator.
        whereabouts: of this worker.
    """

    def __init__(self, context: RunContext, device: torch.device, desk: Desk, whereabouts: Whereabouts) -> None:
        self.context, self.device, self.desk, self.whereabouts = context, device, desk, whereabouts
        self.datasets = {key: data.to(device) for key, data in context.datasets.items()}
        self.log = WorkerLog(whereabouts.log)
        self._outgoing = Outgoing(desk, whereabouts)
        self._compiler = Compiler()
        load_optimizers()

    def work(self) -> Iterator[float]:
        """Run packs until there are none; yield before every step of training, and the seconds to wait, most often 0.

        A trial that raises is recorded in `failures/` and leaves the others unharmed. Where the run is to stop, the
        trial under way is saved.

        Raises:
            DeviceLost: a trial made the GPU unusable for this process, which is recorded, and must end.
        """
        while (given := self.desk.take(self.whereabouts)) is not None:
            if isinstance(given, Wait):
                yield given.seconds
                self._outgoing.hear()
            else:
                yield from self._run(given)

    def _run(self, pack: Pack) -> Iterator[float]:
        self._outgoing.begin(pack)
        for trial, attempt in zip(pack.trials, pack.attempts, strict=True):
            if self._outgoing.must_stop:
                break
            if not self._outgoing.is_dropped(trial):
                yield from self._run_trial(trial, attempt, pack)
        self._outgoing.send(is_last=True)

    def _run_trial(self, trial: int, attempt: int, pack: Pack) -> Iterator[float]:
        """Run a trial, and put what it gave to what is delivered next."""
        spec = pack.added[trial] if trial in pack.added else self.context.trials[trial]
        started_at = datetime.now(UTC)
        self.log.mark()
        try:
            training = yield from self._train(trial, spec, trial in pack.saved)
        except _BrokenOff:
            return
        except Exception as error:  # a bug in one trial must not take its neighbours along
            self._record(trial, spec, attempt, pack, error)
        else:
            ended = EndedTrial.of(training, self.context, attempt=attempt, started_at=started_at)
            self._outgoing.add(trial, Ended(Ending(training.result.status), attempt), ended)
        self._outgoing.send_if_due()

    def _record(self, trial: int, spec: TrialSpec, attempt: int, pack: Pack, error: Exception) -> None:
        """Put what a trial raised to what is delivered next; free the memory that it holds where that was short."""
        lost, is_short = lost_device(error, self.device), is_out_of_memory(error)
        how = Ending.SHORT_OF_MEMORY if is_short and not pack.has_whole_gpus else Ending.FAILED
        row = raised_row(spec, attempt, error, self.log)
        self._outgoing.add_failure(trial, Ended(Ending.LOST_DEVICE if lost else how, attempt), row)
        if lost:
            self._outgoing.send(is_last=True)
            raise DeviceLost(_why_lost(spec, lost)) from error
        if is_short:
            let_go(error, self.device)

    def _train(self, trial: int, spec: TrialSpec, is_saved: bool) -> Generator[float, None, AnyTraining]:
        """Train a trial, from where a worker before this one saved it."""
        reset_peak_memory(self.device)
        saved = self.desk.load_checkpoint(trial) if is_saved else None
        save_at, can_be_saved = monotonic() + self.context.checkpoint_every_s, True
        with closing(train(spec, self.datasets[dataset_key(spec.dataset)], saved, self._compiler)) as steps:
            for training in steps:
                yield 0.0
                self._outgoing.send_if_due()
                if self._outgoing.is_dropped(trial):
                    raise _BrokenOff
                must_stop = self._outgoing.must_stop
                if can_be_saved and (must_stop or monotonic() > save_at):
                    can_be_saved = self._save(trial, training)
                    save_at = monotonic() + self.context.checkpoint_every_s
                if must_stop:
                    raise _BrokenOff
        return training

    def _save(self, trial: int, training: AnyTraining) -> bool:
        """Save a trial under way; return whether that can be done, since a user's probe may not allow it."""
        try:
            content = dump(training.state_dict())
        except NotPlain:
            return False
        self.desk.save_checkpoint(trial, content)
        return True


def _why_lost(spec: TrialSpec, error: BaseException) -> str:
    text = error_text(error).partition("\n")[0]
    return f"trial {spec.trial_key}: {text}; after this a process can use its GPU no more"
