"""Actors on one store, of which one makes a request at a time.

Each acts in a thread of its own, which waits before each request until it is its turn. So it can be paused anywhere, or
killed anywhere; its replies may be lost, and a request whose reply was lost may be carried out once more, much later.
"""

from __future__ import annotations

import itertools
import math
import random
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa
from obstore.exceptions import AlreadyExistsError, GenericError

from bnsweep.errors import StoreError, Superseded
from bnsweep.results import Store
from bnsweep.results.files import Content, Entry
from bnsweep.results.lease import LeaseTiming
from bnsweep.results.local import LocalFiles
from bnsweep.results.locations import Files
from bnsweep.results.objects import Client, ObjectFiles
from bnsweep.results.patience import Patience

IMPOLITE = LeaseTiming(renew_s=math.inf, clock=lambda: 0.0, life_s=0.0)
"""Leases that nobody heeds: nothing rests on them."""


class Killed(BaseException):
    """The actor is no more."""


@dataclass
class Bucket:
    """What is stored, by key, with conditional creation; each call is one request, carried out at once."""

    objects: dict[str, bytes] = field(default_factory=dict)
    requests: int = 0

    def list_with_delimiter(self, prefix: str | None) -> dict[str, Any]:
        """Return what is right below a prefix."""
        start = f"{prefix}/" if prefix else ""
        names = [key for key in sorted(self.objects) if key.startswith(start)]
        folders = sorted(
            {start + key.removeprefix(start).partition("/")[0] for key in names if "/" in key.removeprefix(start)}
        )
        metas = [_meta(key, self.objects[key]) for key in names if "/" not in key.removeprefix(start)]
        return {"common_prefixes": folders, "objects": metas}

    def get(self, key: str) -> Any:
        """Return an object."""
        if key not in self.objects:
            raise FileNotFoundError(key)
        return _Got(self.objects[key])

    def put(self, key: str, content: bytes, *, mode: str = "overwrite", **_: object) -> None:
        """Write an object."""
        if mode == "create" and key in self.objects:
            raise AlreadyExistsError(key)
        self.objects[key] = content

    def delete(self, keys: list[str] | str) -> None:
        """Delete objects."""
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
        patience = Patience(total_s=6, sleep=lambda _: None, clock=lambda: next(ticks), tell=lambda _: None)
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
        """List at the next turn."""
        self.actor.wait()
        return super().entries(folder)

    def read(self, name: str) -> bytes | None:
        """Read at the next turn."""
        self.actor.wait()
        return super().read(name)

    def open(self, name: str) -> pa.NativeFile:
        """Open at the next turn."""
        self.actor.wait()
        return super().open(name)

    def _place(self, name: str, content: Content, give_name: Callable[[str, str], None]) -> None:
        def give(aside: str, path: str) -> None:
            self.actor.wait()
            give_name(aside, path)

        self.actor.wait()
        super()._place(name, content, give)

    def delete(self, names: Iterable[str]) -> None:
        """Delete each at a turn of its own."""
        for name in names:
            self.actor.wait()
            super().delete([name])


def _quietly(call: Callable[[], object]) -> None:
    with suppress(AlreadyExistsError, FileNotFoundError):
        call()
