"""Mistakes in what hands out packs and takes in rows."""

from benchmarks.mutants.mutant import Mutant

COORDINATOR, OUTBOX, OUTGOING, SERVICE = (
    f"running/{name}.py" for name in ("coordinator", "outbox", "outgoing", "service")
)

RUNNING = (
    Mutant(
        "what is stored is run again",
        COORDINATOR,
        "self._has_ended = np.isin(keys, finished)",
        "self._has_ended = np.zeros(len(keys), bool)",
    ),
    Mutant(
        "a second answer to one who asks twice",
        COORDINATOR,
        "        if worker.pack is not None:  # it did not get the answer\n"
        "            return self._out[worker.pack].pack\n",
        "",
    ),
    Mutant(
        "a delivery that came twice counts twice",
        COORDINATOR,
        "        if delivery.number > worker.seen:\n",
        "        if True:\n",
    ),
    Mutant(
        "rows of a trial that has ended are committed again",
        COORDINATOR,
        "        tables = self._without(delivery.tables, known) if known else delivery.tables",
        "        tables = delivery.tables",
    ),
    Mutant(
        "a trial that ended twice counts twice",
        COORDINATOR,
        "for trial, ended in delivery.endings.items() if not self._has_ended[trial]}",
        "for trial, ended in delivery.endings.items()}",
    ),
    Mutant(
        "the pack of a lost worker is forgotten",
        COORDINATOR,
        "        left = self._let_go(out)\n        is_to_blame",
        "        left = []\n        is_to_blame",
    ),
    Mutant(
        "trials of a lost pack go out together again",
        COORDINATOR,
        "        if failure.is_preemption or out.pack.is_alone:\n",
        "        if True:\n",
    ),
    Mutant(
        "a preemption counts against a trial",
        COORDINATOR,
        "is_to_blame = out.pack.is_alone and not failure.is_preemption",
        "is_to_blame = out.pack.is_alone",
    ),
    Mutant(
        "a trial that kills its workers is never given up",
        COORDINATOR,
        "        if self._worker_failures[trial] < MAX_WORKER_FAILURES:\n",
        "        if True:\n",
    ),
    Mutant(
        "a trial in company is to blame", COORDINATOR, "is_to_blame = out.pack.is_alone and not", "is_to_blame = not"
    ),
    Mutant(
        "what is short of memory is given up",
        COORDINATOR,
        "        if ended.how is Ending.SHORT_OF_MEMORY:\n",
        "        if False:\n",
    ),
    Mutant(
        "whole GPUs for whoever asks",
        COORDINATOR,
        "        if self._whole and whereabouts.has_whole_gpus:\n",
        "        if self._whole:\n",
    ),
    Mutant(
        "what a worker left out of its pack is forgotten",
        COORDINATOR,
        "        self._wait(self._let_go(out), out.pack.is_alone, out.pack.has_whole_gpus)\n\n    def _remove",
        "\n    def _remove",
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
        "        if worker.pack is None and not self._has_stopped:\n            return self._hand_out(",
        "        if False:\n            return self._hand_out(",
    ),
    Mutant(
        "a worker may go with rows that are not committed",
        COORDINATOR,
        "        if worker.committed < worker.with_rows or self._is_stopping",
        "        if self._is_stopping",
    ),
    Mutant("a worker that was given up may work on", COORDINATOR, "        self._gone.add(name)\n", ""),
    Mutant(
        "half of nothing is taken over",
        COORDINATOR,
        "        if half and half * each_s >= MIN_TAKEN_OVER_S:\n",
        "        if False:\n",
    ),
    Mutant(
        "no straggler is helped", COORDINATOR, "now - out.since > max(STRAGGLER * each_s, MIN_CONTACT_S):", "False:"
    ),
    Mutant("what was taken over is run by both", COORDINATOR, "            fullest.dropped.update(moved)\n", ""),
    Mutant(
        "the loser of a race is not told",
        COORDINATOR,
        "                other.dropped.add(trial)\n",
        "                pass\n",
    ),
    Mutant(
        "a failure that is recorded is recorded again",
        COORDINATOR,
        "return is_failure and ended.attempt <= self._recorded.get(trial, 0)",
        "return False",
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
        "a worker forgets what is not committed",
        OUTGOING,
        "for delivery in self._kept if delivery.number > self._receipt.committed]",
        "for delivery in self._kept if delivery.number > self._number]",
    ),
    Mutant(
        "a successor is not told what was delivered",
        OUTGOING,
        "self._say(self._renumbered([delivery for delivery in self._kept if delivery.number not in said]))",
        "pass",
    ),
    Mutant(
        "a successor is not told of the pack under way",
        OUTGOING,
        "                self._pack = self._desk.resume(self._whereabouts, self._pack)\n",
        "                pass\n",
    ),
    Mutant(
        "old deliveries keep their numbers",
        OUTGOING,
        "            self._number += 1\n            again.append(",
        "            again.append(",
    ),
    Mutant(
        "a checkpoint outlives its trial",
        SERVICE,
        "                writer.drop_checkpoints(map(self._key, outdated))\n",
        "                pass\n",
    ),
    Mutant(
        "a stop before the take-over is forgotten",
        SERVICE,
        "            if self._must_stop:\n                coordinator.stop()\n        return writer",
        "        return writer",
    ),
    Mutant(
        "an error of the store ends nothing",
        SERVICE,
        "                self._coordinator.abort()\n",
        "                pass\n",
    ),
    Mutant("code in a checkpoint is run", "training/checkpoint.py", "weights_only=True", "weights_only=False"),
    Mutant(
        "objects go into checkpoints", "training/checkpoint.py", "    _check_plain(state)\n    buffer", "    buffer"
    ),
)
