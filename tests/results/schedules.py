"""Several writers and readers of one store, one storage operation at a time, in an order drawn at random.

Each actor runs in a thread of its own, which waits before each operation until it is its turn. An actor may be paused
anywhere, be killed anywhere, and its replies may be lost; a request that was lost may be carried out much later.
"""

from __future__ import annotations

import itertools
import math
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from obstore.exceptions import AlreadyExistsError, GenericError

from bnsweep.errors import InputError, StoreError, Superseded
from bnsweep.results import Store
from bnsweep.results.columns import KEY, table
from bnsweep.results.commits import read_parquet
from bnsweep.results.compact import compact
from bnsweep.results.files import Content, Entry, Files
from bnsweep.results.keys import to_texts
from bnsweep.results.lease import LeaseTiming
from bnsweep.results.local import LocalFiles
from bnsweep.results.objects import Client, ObjectFiles
from bnsweep.results.patience import Patience
from bnsweep.results.tables import to_table

IMPOLITE = LeaseTiming(renew_s=math.inf, clock=lambda: 0.0, life_s=0.0)
"""Leases that nobody heeds: nothing rests on them."""
METRIC = table("metric", KEY, pa.field("value", pa.int64()))


class Killed(BaseException):
    """The actor is no more."""


@dataclass
class Bucket:
    """What is stored, by key, with conditional creation; each call is one request, carried out at once."""

    objects: dict[str, bytes] = field(default_factory=dict)
    requests: int = 0

    def list_with_delimiter(self, prefix: str | None) -> dict[str, Any]:
        start = f"{prefix}/" if prefix else ""
        names = [key for key in sorted(self.objects) if key.startswith(start)]
        folders = sorted(
            {start + key.removeprefix(start).partition("/")[0] for key in names if "/" in key.removeprefix(start)}
        )
        metas = [_meta(key, self.objects[key]) for key in names if "/" not in key.removeprefix(start)]
        return {"common_prefixes": folders, "objects": metas}

    def get(self, key: str) -> Any:
        if key not in self.objects:
            raise FileNotFoundError(key)
        return _Got(self.objects[key])

    def put(self, key: str, content: bytes, *, mode: str = "overwrite", **_: object) -> None:
        if mode == "create" and key in self.objects:
            raise AlreadyExistsError(key)
        self.objects[key] = content

    def delete(self, keys: list[str] | str) -> None:
        for key in [keys] if isinstance(keys, str) else keys:
            self.objects.pop(key, None)


@dataclass(frozen=True)
class _Got:
    content: bytes

    @property
    def meta(self) -> dict[str, int]:
        return {"size": len(self.content)}

    def bytes(self) -> bytes:
        return self.content


def _meta(key: str, content: bytes) -> dict[str, Any]:
    return {"path": key, "size": len(content), "last_modified": datetime.fromtimestamp(0, UTC)}


@dataclass
class Actor:
    """A thread that makes one request at each of its turns.

    Args:
        act: what it does; given the store as it sees it.
        place: what its requests go to: a bucket, or a folder.
        rng: what is drawn.
        lost: how probable it is that a reply is lost.
        late: how probable it is that a request whose reply was lost is carried out once more, at any time later.
    """

    act: Callable[[Store], None]
    place: Bucket | str
    rng: random.Random
    lost: float
    late: float
    is_killed: bool = False
    has_ended: bool = False
    error: BaseException | None = None
    pending: list[Callable[[], None]] = field(default_factory=list)
    _turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _back: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _thread: threading.Thread | None = None

    def step(self) -> None:
        """Let it go on until its next request is about to be made, or it has ended."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        else:
            self._turn.release()
        self._back.acquire()
        if self.has_ended:
            self._thread.join()
        if self.error:
            raise self.error

    def finish(self) -> None:
        """Let it go on to its end."""
        while not self.has_ended:
            self.step()

    def _run(self) -> None:
        try:
            self.act(Store(self._files(), IMPOLITE))
        except (Killed, Superseded, StoreError):
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.has_ended = True
            self._back.release()

    def _files(self) -> Files:
        if isinstance(self.place, str):
            return SteppedFiles(self.place, actor=self)
        ticks, requests = itertools.count(), _Requests(self, self.place)
        patience = Patience(total_s=12, sleep=lambda _: None, clock=lambda: next(ticks), tell=lambda _: None)
        return ObjectFiles(Client(requests, requests), "memory://store", "store", patience, parallel=1)

    def wait(self) -> None:
        """Wait for the next turn."""
        self._back.release()
        self._turn.acquire()
        if self.is_killed:
            raise Killed

    def request(self, call: Callable[[], Any], *, is_change: bool) -> Any:
        """Make a request at the next turn."""
        self.wait()
        if self.rng.random() >= self.lost:
            return call()
        if self.rng.random() < 0.5:
            _quietly(call)
        if is_change and self.rng.random() < self.late:
            self.pending.append(partial(_quietly, call))
        raise GenericError("HTTP error: lost")


@dataclass(frozen=True)
class _Requests:
    """The bucket as an actor sees it."""

    actor: Actor
    bucket: Bucket

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def made(*args: Any, **options: Any) -> Any:
            self.bucket.requests += 1
            call = partial(getattr(self.bucket, name), *args, **options)
            return self.actor.request(call, is_change=name in ("put", "delete"))

        return made


@dataclass(frozen=True)
class SteppedFiles(LocalFiles):
    """Files of a local directory, each operation of which waits for its turn."""

    actor: Actor = field(kw_only=True)

    def entries(self, folder: str = "") -> list[Entry]:
        self.actor.wait()
        return super().entries(folder)

    def read(self, name: str) -> bytes | None:
        self.actor.wait()
        return super().read(name)

    def open(self, name: str) -> pa.NativeFile:
        self.actor.wait()
        return super().open(name)

    def _place(self, name: str, content: Content, give_name: Callable[[str, str], None]) -> None:
        def give(aside: str, path: str) -> None:
            self.actor.wait()
            give_name(aside, path)

        self.actor.wait()
        super()._place(name, content, give)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self.actor.wait()
            super().delete([name])


def _quietly(call: Callable[[], object]) -> None:
    with suppress(AlreadyExistsError, FileNotFoundError):
        call()


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
        self.lost = self.rng.choice([0.0, 0.0, 0.05, 0.3])
        self.late = self.rng.choice([0.0, 0.5])

    def run(self) -> None:
        """Run it to its end.

        Raises:
            AssertionError: something was lost, is there twice, or was deleted.
        """
        kinds = [self._write, self._write, self._read, *([self._compact] if self.has_merges else [])]
        actors = [self._actor(self._write), self._actor(self._write)]
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

        def write(store: Store) -> None:
            with store.take_over() as writer:
                for key in TRIALS[:3]:
                    writer.commit(rows_of([key]))
                    self.committed.add(key)

        Actor(write, self.place, self.rng, 0.0, 0.0).finish()

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
            files = [read_parquet(content)[0] for content in self._contents(folder)]
            keys = [key for file in files for key in file["trial_key"].to_pylist()]
            assert sorted(keys) == sorted(TRIALS * rows), f"seed {self.seed}: {folder}"

    def _contents(self, table: str) -> list[bytes]:
        if isinstance(self.place, str):
            return [path.read_bytes() for path in Path(self.place, table).iterdir()]
        return [content for key, content in self.place.objects.items() if key.startswith(f"store/{table}/")]
