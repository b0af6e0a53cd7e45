"""Nothing is lost and nothing doubled, whatever is said twice, lost, preempted, or begins anew, in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bnsweep.running.outgoing import Outgoing
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Receipt, Wait, Whereabouts, WorkerFailure
from tests.running.commit_log import SPECS, Clock, CommitLog, rows_of, worker

NUM_TRIALS, MAX_TRIALS, NUM_WORKERS = 5, 9, 3
WORKERS, TWICE = st.integers(0, NUM_WORKERS - 1), st.booleans()


class Light(Outgoing):
    """A worker's side of the protocol, with rows that are quick to make."""

    def _tables(self) -> dict[str, pa.Table]:
        return rows_of(self._endings)

    def end(self, trial: int, ended: Ended) -> None:
        self._endings[trial] = ended


@dataclass
class Player:
    """A worker: what it is in the middle of."""

    here: Whereabouts
    outgoing: Light
    pack: Pack | None = None
    todo: list[tuple[int, int]] = field(default_factory=list)


class LossyDesk:
    """The coordinator of a machine, asked again where the first answer was lost, and not always the same one."""

    def __init__(self, machine: Protocol) -> None:
        self._machine = machine

    def take(self, here: Whereabouts) -> Pack | Wait | None:
        return self._asked(lambda: self._machine.coordinator.take(here))

    def deliver(self, delivery: Delivery) -> Receipt:
        return self._asked(lambda: self._machine.coordinator.deliver(delivery))

    def resume(self, here: Whereabouts, pack: Pack) -> Pack:
        return self._asked(lambda: self._machine.coordinator.resume(here, pack))

    def save_checkpoint(self, trial: int, content: bytes) -> None: ...

    def load_checkpoint(self, trial: int) -> bytes | None: ...

    def _asked(self, ask: Callable[[], Any]) -> Any:
        answer = ask()
        if self._machine.next_answer_is_lost:
            self._machine.next_answer_is_lost = False
            if self._machine.dies_then:
                self._machine.begin_anew()
            answer = ask()
        return answer


class Protocol(RuleBasedStateMachine):
    """A coordinator, which is given more trials, the commits, and three places at which workers come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.log = Clock(), CommitLog()
        self.num_trials = NUM_TRIALS
        self.coordinator = self.log.coordinator(self.clock, self.num_trials)
        self.coordinator._sizing.first = 3
        self.next_answer_is_lost = self.dies_then = False
        self.num_workers = 0
        self.players = [self.player() for _ in range(NUM_WORKERS)]
        self.zombies: list[Player] = []
        self.desk = LossyDesk(self)

    def player(self) -> Player:
        self.num_workers += 1
        here = worker(f"w{self.num_workers}")
        return Player(here, Light(LossyDesk(self), here))

    def begin_anew(self) -> None:
        self.coordinator = self.log.coordinator(self.clock, self.num_trials)
        self.coordinator._sizing.first = 2

    @rule(dies=st.booleans())
    def lose_the_next_answer(self, dies: bool) -> None:
        self.next_answer_is_lost, self.dies_then = True, dies

    @rule(place=WORKERS)
    def take(self, place: int) -> None:
        player = self.players[place]
        if player.pack is None:
            given = self.desk.take(player.here)
            if isinstance(given, Pack):
                player.pack, player.todo = given, list(zip(given.trials, given.attempts, strict=True))
                player.outgoing.begin(given)
            elif given is None and not self.coordinator.is_over:
                self.players[place] = self.player()
            else:
                player.outgoing.hear()

    @rule(place=WORKERS, how=st.sampled_from([*(set(Ending) - {Ending.PAUSED}), *[Ending.COMPLETED] * 3]))
    def end_a_trial(self, place: int, how: Ending) -> None:
        player = self.players[place]
        if player.todo:
            trial, attempt = player.todo.pop(0)
            if how is Ending.SHORT_OF_MEMORY and player.pack is not None and player.pack.has_whole_gpus:
                how = Ending.FAILED
            if not player.outgoing.is_dropped(trial):
                player.outgoing.end(trial, Ended(how, attempt))

    @rule(place=WORKERS)
    def deliver(self, place: int) -> None:
        player = self.players[place]
        if player.pack is not None:
            is_last = not player.todo
            player.outgoing.send(is_last=is_last)
            if is_last:
                player.pack = None

    @rule(place=WORKERS, is_preemption=st.booleans(), lives_on=st.booleans())
    def lose_a_worker(self, place: int, is_preemption: bool, lives_on: bool) -> None:
        self.lose(place, is_preemption, lives_on)

    def lose(self, place: int, is_preemption: bool, lives_on: bool) -> None:
        lost, self.players[place] = self.players[place], self.player()
        self.coordinator.lost(lost.here.name, WorkerFailure("gone", "", is_preemption=is_preemption))
        if lives_on and lost.pack is not None:
            self.zombies.append(lost)

    @rule()
    def a_lost_worker_delivers_all_the_same(self) -> None:
        if self.zombies:
            zombie = self.zombies.pop()
            for trial, attempt in zombie.todo:
                zombie.outgoing.end(trial, self.outcome(zombie, trial, attempt))
            zombie.outgoing.send(is_last=True)

    def outcome(self, player: Player, trial: int, attempt: int) -> Ended:
        """Return how a trial ends that nothing befalls."""
        del player, trial
        return Ended(Ending.COMPLETED, attempt)

    @rule(seconds=st.floats(0, 10), dies_before_it_can_say_so=st.booleans())
    def commit(self, seconds: float, dies_before_it_can_say_so: bool) -> None:
        self.clock.now += seconds
        if batch := self.coordinator.next_batch():
            self.log.add(batch)
            if dies_before_it_can_say_so:
                self.begin_anew()
            else:
                self.coordinator.committed()

    @rule()
    def widen(self) -> None:
        """Two more trials; as the service does, remember them before the coordinator has them."""
        if self.num_trials < MAX_TRIALS and self.log.widen(self.coordinator, self.num_trials, self.num_trials + 2):
            self.num_trials += 2

    @rule()
    def die(self) -> None:
        self.begin_anew()

    @invariant()
    def nothing_is_doubled(self) -> None:
        assert set(self.log.trials.values()) <= {1}
        assert set(self.log.failures.values()) <= {1}

    @invariant()
    def what_is_committed_is_not_missing(self) -> None:
        missing = {SPECS[trial].trial_key for trial in self.coordinator.missing()}
        assert not missing & self.log.trials.keys()

    def teardown(self) -> None:
        """Let everything come to its end: then every trial has a result, or has failed."""
        self.next_answer_is_lost = False
        for _ in range(1000):
            if self.coordinator.is_over:
                break
            for place in range(NUM_WORKERS):
                self.take(place)
                while self.players[place].todo:
                    self.end_a_trial(place, Ending.COMPLETED)
                self.deliver(place)
            self.commit(10.0, False)
        assert self.coordinator.is_over, "it goes on for ever"
        self.nothing_is_doubled()
        failed = {key for key, _ in self.log.failures}
        assert self.log.trials.keys() | failed == {spec.trial_key for spec in SPECS[: self.num_trials]}
        for player in self.players:
            player.outgoing.hear()
            assert player.outgoing._kept == [], "its rows are committed, and it has not heard"


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
