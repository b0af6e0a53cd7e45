"""Who is pruned follows from the trials alone, whatever is said twice, lost, or begins anew, in any order."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from bnsweep.running.packs import Ended, Ending
from bnsweep.running.pruning import Pruning
from bnsweep.search.pruning import SuccessiveHalving
from tests.running.commit_log import SPECS
from tests.running.test_protocol import WORKERS, Player, Protocol

NUM_TRIALS, RUNGS, STEPS = 9, np.array([2, 4, 8]), 16
POINTS = np.arange(NUM_TRIALS) // 2
GROUPS = POINTS % 2
FACTOR = 2


class PrunedProtocol(Protocol):
    """The coordinator of a run with a pruner, of whose trials it is known what each gives."""

    @initialize(seed=st.integers(0, 1000), num_wild=st.integers(0, 4))
    def begin(self, seed: int, num_wild: int) -> None:
        """Draw how good each trial is at the rungs, and at which steps some diverge."""
        random = np.random.default_rng(seed)
        self.scores = random.permutation(NUM_TRIALS * len(RUNGS)).reshape(NUM_TRIALS, -1) / 100
        self.diverge_at = np.full(NUM_TRIALS, STEPS + 1)
        self.diverge_at[random.choice(NUM_TRIALS, num_wild, replace=False)] = random.integers(0, STEPS, num_wild)
        self.results, self.num_trials = dict[int, Ended](), NUM_TRIALS
        self.saved = defaultdict[int, int](int)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Have a coordinator that knows what is committed, and which trials are saved."""
        scores = np.full((NUM_TRIALS, len(RUNGS)), np.nan)
        pruning = Pruning(SuccessiveHalving(FACTOR), RUNGS, np.full(NUM_TRIALS, STEPS), GROUPS, POINTS, scores)
        for trial, ended in self.results.items():
            if SPECS[trial].trial_key in self.log.trials:
                pruning.reached(trial, ended.scores)
                if ended.how is Ending.DIVERGED:
                    pruning.diverged(trial)
        saved = [SPECS[trial].trial_key for trial in self.saved]
        self.coordinator = self.log.coordinator(self.clock, self.num_trials, pruning=pruning, saved=saved)
        self.coordinator._sizing.first = 2

    def outcome(self, player: Player, trial: int, attempt: int) -> Ended:
        """Return how a trial ends that a worker trains as its pack has it; one that a predecessor saved is further."""
        assert player.pack is not None
        until = player.pack.until.get(trial, STEPS)
        is_pruned = trial in player.pack.pruned
        step = until if is_pruned else max(until, self.saved[trial])
        how = Ending.PRUNED if is_pruned else Ending.COMPLETED if until == STEPS else Ending.PAUSED
        if self.diverge_at[trial] < step:
            step, how = self.diverge_at[trial], Ending.DIVERGED
        self.saved[trial] = max(self.saved[trial], step)
        ended = Ended(how, attempt, tuple(self.scores[trial, step >= RUNGS]))
        if how is not Ending.PAUSED:
            assert self.results.setdefault(trial, ended)[::2] == ended[::2], "whoever trains it, it ends the same way"
        return ended

    @rule(place=WORKERS, how=st.sampled_from([*[Ending.COMPLETED] * 5, Ending.SHORT_OF_MEMORY]))
    def end_a_trial(self, place: int, how: Ending) -> None:
        player = self.players[place]
        if player.todo and player.pack is not None:
            trial, attempt = player.todo.pop(0)
            is_short = how is Ending.SHORT_OF_MEMORY and not player.pack.has_whole_gpus
            ended = Ended(how, attempt) if is_short else self.outcome(player, trial, attempt)
            if not player.outgoing.is_dropped(trial):
                player.outgoing.end(trial, ended)

    @rule(place=WORKERS, lives_on=st.booleans())
    def lose_a_worker(self, place: int, lives_on: bool) -> None:  # type: ignore[override]
        self.lose(place, is_preemption=True, lives_on=lives_on)

    def widen(self) -> None:  # type: ignore[override]
        """No more trials: such a run takes none."""

    def teardown(self) -> None:
        """Let everything come to its end, and compare with who survives where all are looked at at once."""
        super().teardown()
        left, pruned = set(POINTS.tolist()), dict[int, int]()
        for number, rung in enumerate(RUNGS):
            came = self.diverge_at >= rung
            left = {point for point in left if came[point == POINTS].any()}
            score = np.where(came, self.scores[:, number], -np.inf)
            median = {point: np.median(score[point == POINTS]) for point in left}
            for group in (0, 1):
                ranked = sorted((median[point] for point in left if point % 2 == group), reverse=True)
                lost = {p for p in left if p % 2 == group and median[p] < ranked[max(len(ranked) // FACTOR, 1) - 1]}
                pruned |= dict.fromkeys(np.flatnonzero(came & np.isin(POINTS, list(lost))), rung)
                left = left - lost
        ours = {trial: RUNGS[len(end.scores) - 1] for trial, end in self.results.items() if end.how is Ending.PRUNED}
        assert ours == pruned


TestPrunedProtocol = PrunedProtocol.TestCase
TestPrunedProtocol.settings = settings(max_examples=100, stateful_step_count=100, deadline=None)
