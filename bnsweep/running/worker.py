"""The worker: asks for packs, runs their trials in turn on one device, and delivers what they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import torch

from bnsweep.data import Dataset
from bnsweep.error_texts import error_text
from bnsweep.errors import DeviceLost
from bnsweep.running.failure_rows import raised_row
from bnsweep.running.outgoing import Outgoing
from bnsweep.running.packs import Desk, Ended, Ending, Pack, RunContext, Wait, Whereabouts, dataset_key
from bnsweep.running.rows import EndedTrial, code_and_place
from bnsweep.running.under_way import Alone, Outcome, Together, UnderWay
from bnsweep.running.worker_log import WorkerLog
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import is_fused
from bnsweep.training.checkpoint import NotPlain, dump, load_of
from bnsweep.training.compiling import Compiler
from bnsweep.training.device_errors import is_out_of_memory, let_go, lost_device
from bnsweep.training.memory import reset_peak_memory
from bnsweep.training.optimizers import load_optimizers
from bnsweep.training.training import Training


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
        for company in pack.companies():
            if self._outgoing.must_stop:
                break
            if left := [trial for trial in company if not self._outgoing.is_dropped(trial)]:
                yield from self._run_company(left, pack)
        self._outgoing.send(is_last=True)

    def _run_company(self, trials: Sequence[int], pack: Pack) -> Iterator[float]:
        """Run trials that train as one, most often one, and put what they gave to what is delivered next."""
        attempts, begun = dict(zip(pack.trials, pack.attempts, strict=True)), None
        started_at = datetime.now(UTC)
        self.log.mark()
        reset_peak_memory(self.device)
        try:
            for begun in self._under_way(trials, pack):
                yield from self._train(begun, attempts, pack, started_at)
                if self._outgoing.must_stop:
                    break
        except DeviceLost:
            raise
        except Exception as error:  # a bug in one trial must not take its neighbours along
            left, begun = begun.left if begun else trials, None  # the error keeps this frame, and what is in it
            for trial in left:
                self._record(trial, attempts[trial], pack, error)
        self._outgoing.send_if_due()

    def _under_way(self, trials: Sequence[int], pack: Pack) -> Iterator[UnderWay]:
        """Yield the trials under way, from where workers before this one saved them: after as many steps as one."""
        specs = {trial: self._spec(trial, pack) for trial in trials}
        assert all(is_fused(spec) == (trial in pack.seats) for trial, spec in specs.items()), "bits depend on it"
        data = self.datasets[dataset_key(specs[trials[0]].dataset)]
        saved = {trial: self._saved(trial, data, pack) for trial in trials if trial in pack.saved}
        if trials[0] not in pack.seats:
            yield Alone(trials[0], specs[trials[0]], data, saved.get(trials[0]), self._compiler)
            return
        states = {trial: load_of(data, content, self.device) for trial, content in saved.items()}
        steps = {trial: state["step"] if (state := states.get(trial)) else 0 for trial in trials}
        for step in sorted(set(steps.values())):
            slots = {trial: pack.seats[trial].slot for trial in trials if steps[trial] == step}
            yield Together(
                slots,
                {trial: specs[trial] for trial in slots},
                data,
                {trial: state for trial in slots if (state := states.get(trial))},
            )

    def _saved(self, trial: int, data: Dataset, pack: Pack) -> bytes | None:
        """Return where a trial was saved, unless that is after the step at which it is to end."""
        content = self.desk.load_checkpoint(trial)
        if trial in pack.pruned and (state := load_of(data, content, self.device)):
            return content if state["step"] <= pack.until[trial] else None
        return content

    def _train(self, begun: UnderWay, attempts: Mapping[int, int], pack: Pack, started_at: datetime) -> Iterator[float]:
        """Train until all have ended, or are to be let be, and then saved where the run is to stop."""
        save_at, can_be_saved = monotonic() + self.context.checkpoint_every_s, True
        with closing(begun.steps()) as steps:
            for ended in steps:
                place = code_and_place(self.context, self.device) if ended else {}
                for trial, outcome in ended:
                    self._keep(trial, attempts[trial], outcome, pack, {**place, "started_at": started_at})
                if pack.until:
                    self._leave_rungs(begun, attempts, pack, started_at)
                yield 0.0
                self._outgoing.send_if_due()
                for trial in [trial for trial in begun.left if self._outgoing.is_dropped(trial)]:
                    begun.give_up(trial)
                must_stop = self._outgoing.must_stop
                if can_be_saved and (must_stop or monotonic() > save_at):
                    can_be_saved = not [trial for trial in begun.left if not self._save(trial, begun)]
                    save_at = monotonic() + self.context.checkpoint_every_s
                if must_stop:
                    return

    def _leave_rungs(self, begun: UnderWay, attempts: Mapping[int, int], pack: Pack, started_at: datetime) -> None:
        """Let those be that have reached their rung: end what is pruned, and save what waits, where that can be."""
        for trial in [trial for trial in begun.left if self._is_at_rung(trial, begun, pack)]:
            training, attempt = begun.training(trial), attempts[trial]
            if trial in pack.pruned:
                assert self.context.pruner, "who else stops trials"
                training.prune(self.context.pruner.rule)
                place = code_and_place(self.context, self.device)
                self._keep(trial, attempt, training, pack, {**place, "started_at": started_at})
            else:
                self._save(trial, begun)
                self._outgoing.pause(trial, Ended(Ending.PAUSED, attempt, self._scores(training)))
            begun.give_up(trial)

    def _is_at_rung(self, trial: int, begun: UnderWay, pack: Pack) -> bool:
        """Return whether a trial is to go no further in this pack, without its loss having diverged before."""
        if trial not in pack.until or begun.training(trial).step < pack.until[trial]:
            return False
        begun.training(trial).record.flush()
        return not begun.training(trial).result.has_diverged

    def _scores(self, outcome: Outcome) -> tuple[float, ...]:
        """Return how good a trial was at the rungs that it has reached; nothing where none are pruned."""
        if self.context.pruner is None or not isinstance(outcome, Training):
            return ()
        return tuple(outcome.scores(self.context.pruner.rungs(outcome.spec.train.steps)))

    def _keep(self, trial: int, attempt: int, outcome: Outcome, pack: Pack, place: Mapping[str, Any]) -> None:
        if isinstance(outcome, Exception):
            self._record(trial, attempt, pack, outcome)
            return
        ended = EndedTrial.of(outcome, place, attempt=attempt)
        self._outgoing.add(trial, Ended(Ending(outcome.result.status), attempt, self._scores(outcome)), ended)

    def _spec(self, trial: int, pack: Pack) -> TrialSpec:
        return pack.added[trial] if trial in pack.added else self.context.trials[trial]

    def _record(self, trial: int, attempt: int, pack: Pack, error: Exception) -> None:
        """Put what a trial raised to what is delivered next; free the memory that it holds where that was short."""
        spec = self._spec(trial, pack)
        lost, is_short = lost_device(error, self.device), is_out_of_memory(error)
        how = Ending.SHORT_OF_MEMORY if is_short and not pack.has_whole_gpus else Ending.FAILED
        if is_short and trial in pack.seats:
            advice = f"{spec.train.fuse} trials train as one; a smaller train.fuse takes less"
            advised = MemoryError(f"{error_text(error)}; {advice}")
            advised.__cause__ = error
            error = advised
        row = raised_row(spec, attempt, error, self.log)
        self._outgoing.add_failure(trial, Ended(Ending.LOST_DEVICE if lost else how, attempt), row)
        if lost:
            self._outgoing.send(is_last=True)
            raise DeviceLost(_why_lost(spec, lost)) from error
        if is_short:
            let_go(error, self.device)

    def _save(self, trial: int, begun: UnderWay) -> bool:
        """Save a trial under way; return whether that can be done, since a user's probe may not allow it."""
        try:
            content = dump(begun.state_dict(trial))
        except NotPlain:
            return False
        self.desk.save_checkpoint(trial, content)
        return True


def _why_lost(spec: TrialSpec, error: BaseException) -> str:
    text = error_text(error).partition("\n")[0]
    return f"trial {spec.trial_key}: {text}; after this a process can use its GPU no more"
