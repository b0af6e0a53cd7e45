"""Mistakes in what hands out packs and takes in rows."""

from benchmarks.mutants.mutant import Mutant

COORDINATOR, DISPATCH, INTAKE, LOSSES, OUTBOX = (
    f"running/coordinator/{name}.py" for name in ("coordinator", "dispatch", "intake", "losses", "outbox")
)
OUT, STATES, WAITING, WORKERS = (
    f"running/coordinator/{name}.py" for name in ("packs_out", "trial_states", "waiting", "known_workers")
)

RUNNING = (
    Mutant(
        "what is stored is run again",
        STATES,
        "np.isin(keys, finished)",
        "np.zeros(len(keys), bool)",
    ),
    Mutant(
        "a second answer to one who asks twice",
        COORDINATOR,
        "        if (given := self._dispatch.pack_of(whereabouts)) is not None:  # it did not get the answer\n"
        "            return given\n",
        "",
    ),
    Mutant(
        "a delivery that came twice counts twice",
        COORDINATOR,
        "        if self._workers.is_new(delivery):\n",
        "        if True:\n",
    ),
    Mutant(
        "rows of a trial that has ended are committed again",
        INTAKE,
        "        tables = self._states.without(delivery.tables, known) if known else delivery.tables",
        "        tables = delivery.tables",
    ),
    Mutant(
        "a trial that ended twice counts twice",
        INTAKE,
        "for trial in delivery.endings if not self._states.has_ended[trial]]",
        "for trial in delivery.endings]",
    ),
    Mutant(
        "the pack of a lost worker is forgotten",
        LOSSES,
        "left, pack = self._dispatch.waiting, self._dispatch.let_go(out), out.pack\n",
        "left, pack = self._dispatch.waiting, [] * len(self._dispatch.let_go(out)), out.pack\n",
    ),
    Mutant(
        "trials of a lost pack go out together again",
        LOSSES,
        "        for company in [[trial] for trial in left] if pack.is_alone else pack.companies():\n",
        "        for company in [left]:\n",
    ),
    Mutant(
        "a preemption counts against a trial",
        LOSSES,
        "        if failure.is_preemption:\n",
        "        if failure.is_preemption and not pack.is_alone:\n",
    ),
    Mutant(
        "a trial that kills its workers is never given up",
        LOSSES,
        "        return self._states.takes_worker_along(trial) >= MAX_WORKER_FAILURES\n",
        "        return self._states.takes_worker_along(trial) < 0\n",
    ),
    Mutant(
        "a trial in company is to blame",
        LOSSES,
        "        if pack.is_alone and len(pack.trials) == 1:\n",
        "        if True:\n",
    ),
    Mutant(
        "what is short of memory is given up",
        STATES,
        "        if ended.how in TRIED_AGAIN:\n",
        "        if False:\n",
    ),
    Mutant(
        "whole GPUs for whoever asks",
        WAITING,
        "(self._first(self._whole) if has_whole_gpus else None)",
        "self._first(self._whole)",
    ),
    Mutant(
        "what a worker left out of its pack is forgotten",
        DISPATCH,
        "        self.waiting.add(self.let_go(out), out.pack.is_alone, out.pack.has_whole_gpus)\n",
        "        self.let_go(out)\n",
    ),
    Mutant(
        "over while rows are not committed",
        COORDINATOR,
        "return self._is_aborted or (self._has_stopped and self._outbox.is_empty)",
        "return self._is_aborted or self._has_stopped",
    ),
    Mutant(
        "hands out after a stop",
        COORDINATOR,
        "return not (self._is_stopping or self._outbox.is_too_full",
        "return not (self._outbox.is_too_full",
    ),
    Mutant("a successor hands out before it has heard", COORDINATOR, " or self._clock() < self._hand_out_from)", ")"),
    Mutant(
        "a pack of a predecessor is not taken up",
        COORDINATOR,
        "        return self._dispatch.resume(whereabouts, pack)\n",
        "        return pack\n",
    ),
    Mutant(
        "a worker may go with rows that are not committed",
        COORDINATOR,
        "        if waits_for_commit or self._is_searching",
        "        if self._is_searching",
    ),
    Mutant(
        "a worker that was given up may work on",
        WORKERS,
        "        self._gone.add(name)\n",
        "",
    ),
    Mutant(
        "half of nothing is taken over",
        OUT,
        "        if not half or len(half) * each_s < MIN_TAKEN_OVER_S:\n",
        "        if True:\n",
    ),
    Mutant(
        "no straggler is helped",
        OUT,
        "now - out.since > max(STRAGGLER * each_s, MIN_STRAGGLER_S):",
        "False:",
    ),
    Mutant(
        "what was taken over is run by both",
        OUT,
        "        fullest.dropped.update(taken)\n",
        "",
    ),
    Mutant(
        "the loser of a race is not told",
        OUT,
        "                other.dropped.add(trial)\n",
        "                pass\n",
    ),
    Mutant(
        "a failure that is recorded is recorded again",
        STATES,
        "(is_failure and ended.attempt <= self._recorded.get(trial, 0))",
        "False",
    ),
    Mutant(
        "of an attempt that two coordinators handed out both rows are kept",
        STATES,
        "            self._recorded[trial] = max(ended.attempt, self._recorded.get(trial, 0))\n",
        "",
    ),
    Mutant(
        "a second result after a failure of the same number is left out",
        STATES,
        "(is_failure and ended.attempt <= self._recorded.get(trial, 0))",
        "ended.attempt <= self._recorded.get(trial, 0)",
    ),
    Mutant(
        "one that is given up is recorded under a number that is taken",
        STATES,
        "return max(attempt, self._recorded.get(trial, 0) + 1)",
        "return attempt",
    ),
    Mutant(
        "one that was given up for lost takes up its pack again",
        COORDINATOR,
        "        if self._has_stopped or self._workers.is_gone(whereabouts.name):\n",
        "        if self._has_stopped:\n",
    ),
    Mutant(
        "two commits at a time",
        OUTBOX,
        "        if self._leaving or not self._filling.deliveries:\n",
        "        if not self._filling.deliveries:\n",
    ),
    Mutant(
        "commits as often as it is asked",
        OUTBOX,
        "        if not (is_end or is_time or self._filling.num_bytes > MAX_BYTES):\n",
        "        if False:\n",
    ),
    Mutant(
        "a stop waits for a worker that hangs",
        COORDINATOR,
        "self._dispatch.out and not self._has_given_up",
        "self._dispatch.out",
    ),
)
