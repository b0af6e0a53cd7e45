"""One random order of events on a store, and what it must not break."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from benchmarks.store_schedules.actors import Actor, Bucket
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.columns import KEY, table
from bnsweep.results.commits import read_parquet
from bnsweep.results.compact import compact
from bnsweep.results.keys import to_texts
from bnsweep.results.tables import to_table

METRIC = table("metric", KEY, pa.field("value", pa.int64()))
SMALL = table("trials", KEY)
TRIALS = [f"{number:016x}" for number in range(1, 7)]


def rows_of(keys: list[str]) -> dict[str, pa.Table]:
    """Return the rows of small trials: one in `trials`, two in a table of metrics."""
    return {
        "trials": to_table(SMALL, [{"trial_key": key} for key in keys]),
        "metric": to_table(METRIC, [{"trial_key": key, "value": value} for key in keys for value in (1, 2)]),
    }


@dataclass
class Schedule:
    """One order of events, and what it must not break.

    Args:
        seed: of all that is drawn.
        has_merges: whether compactions are among the actors.
        place: where: a bucket, or a folder.
    """

    seed: int
    has_merges: bool = True
    place: Bucket | str = field(default_factory=Bucket)
    committed: set[str] = field(default_factory=set)
    """Trials that a writer was told are committed."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.lost = self.rng.choice([0.0, 0.0, 0.05, 0.3, 0.6])
        self.late = self.rng.choice([0.0, 0.5])

    def run(self) -> None:
        """Run it to its end.

        Raises:
            AssertionError: something was lost, is there twice, or was deleted.
        """
        kinds = [self._write, self._write_half, self._read, *([self._compact] if self.has_merges else [])]
        actors = [self._actor(self._write), self._actor(self._write_half)]
        actors += [self._actor(self.rng.choice(kinds)) for _ in range(self.rng.randint(0, 3))]
        paused = list[Actor]()
        while active := [actor for actor in actors if not (actor.has_ended or actor in paused)]:
            self._event(self.rng.choice(active), paused)
            self._late_request(actors)
        if self.rng.random() < 0.5:
            self._check_all()
        for actor in self.rng.sample(paused, len(paused)):
            actor.finish()
        while any(actor.pending for actor in actors):
            self._late_request(actors)
        self._check_all()

    def run_paused(self, victim: str, number: int, others: Sequence[str]) -> bool:
        """Stop an actor before request `number` from 0, let others act from beginning to end, then wake it.

        Return whether it made so many requests.
        """
        acts = {"write": self._write, "compact": self._compact, "read": self._read}
        stopped = Actor(acts[victim], self.place, self.rng, 0.0, 0.0)
        for _ in range(number + 1):
            if not stopped.has_ended:
                stopped.step()
        was_stopped = not stopped.has_ended
        for other in others:
            Actor(acts[other], self.place, self.rng, 0.0, 0.0).finish()
        stopped.finish()
        self._check_all()
        return was_stopped

    def run_paused_among(self, number: int, steps: int) -> None:
        """Stop a start before request `number` while another run has made `steps` requests; wake it after a merge."""
        run, start = (Actor(act, self.place, self.rng, 0.0, 0.0) for act in (self._write_half, self._write))
        for actor, count in ((run, steps), (start, number + 1)):
            for _ in range(count):
                if not actor.has_ended:
                    actor.step()
        run.finish()
        Actor(self._compact, self.place, self.rng, 0.0, 0.0).finish()
        start.finish()
        self._check_all()

    def _actor(self, act: Callable[[Store], None]) -> Actor:
        return Actor(act, self.place, self.rng, self.lost, self.late)

    def _event(self, actor: Actor, paused: list[Actor]) -> None:
        """Pause an actor, wake one, kill it, or let it make some requests."""
        what = self.rng.random()
        if what < 0.04:
            paused.append(actor)
        elif what < 0.06 and paused:
            paused.pop(self.rng.randrange(len(paused)))
        elif what < 0.07:
            actor.is_killed = True
            actor.finish()
        else:
            for _ in range(self.rng.choice([1, 1, 1, 2, 5, 20])):
                if not actor.has_ended:
                    actor.step()

    def _late_request(self, actors: list[Actor]) -> None:
        waiting = [actor for actor in actors if actor.pending]
        if waiting and self.rng.random() < 0.05:
            pending = self.rng.choice(waiting).pending
            pending.pop(self.rng.randrange(len(pending)))()

    def _write(self, store: Store) -> None:
        """Be a run: commit what is missing, one or two trials at a time."""
        with store.take_over() as writer:
            missing = [key for key in TRIALS if key not in to_texts(writer.keys)]
            while missing:
                some, missing = missing[: (size := self.rng.randint(1, 2))], missing[size:]
                writer.commit(rows_of(some))
                self.committed.update(some)

    def write_some(self) -> None:
        """Commit half of the trials, one by one."""
        Actor(self._write_half, self.place, self.rng, 0.0, 0.0).finish()

    def _write_half(self, store: Store) -> None:
        with store.take_over() as writer:
            for key in TRIALS[: len(TRIALS) // 2]:
                if key not in to_texts(writer.keys):
                    writer.commit(rows_of([key]))
                    self.committed.add(key)

    def _compact(self, store: Store) -> None:
        with suppress(InputError):
            for _ in range(2):
                compact(store, max_rows=self.rng.choice([4, 9, 100]))

    def _read(self, store: Store) -> None:
        """Be a reader: see each row of what was committed before once."""
        for _ in range(3):
            before = set(self.committed)
            trials = store.read("trials")["trial_key"].to_pylist()
            assert len(set(trials)) == len(trials), f"seed {self.seed}: {trials}"
            assert before <= set(trials), f"seed {self.seed}: lost {before - set(trials)}"
            metrics = [tuple(row.values()) for row in store.read("metric").to_pylist()]
            assert len(set(metrics)) == len(metrics), f"seed {self.seed}: {metrics}"
            missing = {(key, value) for key in trials for value in (1, 2)} - set(metrics)
            assert not missing, f"seed {self.seed}: without {missing}"

    def _check_all(self) -> None:
        """Read, commit what is missing undisturbed, and read again."""
        for act in (self._read, self._write):
            Actor(act, self.place, self.rng, 0.0, 0.0).finish()
        self.committed.update(TRIALS)
        Actor(self._read, self.place, self.rng, 0.0, 0.0).finish()
        if not self.has_merges:
            self._check_plain_files()

    def _check_plain_files(self) -> None:
        """Whoever reads whole folders sees each trial once, too, and after a start nothing else."""
        for folder, rows in (("trials", 1), ("metric", 2)):
            files = [read_parquet(content) for content in self._contents(folder)]
            keys = [key for file in files for key in file["trial_key"].to_pylist()]
            assert sorted(keys) == sorted(TRIALS * rows), f"seed {self.seed}: {folder}"

    def _contents(self, table: str) -> list[bytes]:
        if isinstance(self.place, str):
            return [path.read_bytes() for path in Path(self.place, table).iterdir()]
        return [content for key, content in self.place.objects.items() if key.startswith(f"store/{table}/")]
