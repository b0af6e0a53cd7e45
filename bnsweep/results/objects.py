"""Files of object storage such as S3, through obstore."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event
from typing import Any, TypeVar

import pyarrow as pa
from obstore.exceptions import AlreadyExistsError, BaseError

from bnsweep.results.files import Content, Entry, joined, store_error
from bnsweep.results.patience import NoAnswer, Patience

LARGE = 4 * 1024 * 1024
"""Bytes; more of them are written or read with a long time-out."""
STATUS = re.compile(r"non-2xx status code: (\d+)[^:]*")
TRY_AGAIN = {408, 409, 429, 500, 502, 503, 504}
Result = TypeVar("Result")


@dataclass(frozen=True)
class Client:
    """A bucket, with short and with long time-outs; travels to another process as what it was opened with."""

    quick: Any
    slow: Any

    def of(self, size: int) -> Any:
        """Return the one for so many bytes."""
        return self.slow if size > LARGE else self.quick


@dataclass(frozen=True)
class ObjectFiles:
    """Files under a prefix of a bucket; `root` is its URI, without credentials."""

    client: Client
    root: str
    prefix: str
    patience: Patience = field(default_factory=Patience, compare=False)
    parallel: int = 16
    _answered: Event = field(default_factory=Event, compare=False, repr=False)
    """Whether the store ever answered."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without what only this process knows."""
        return ObjectFiles, (self.client, self.root, self.prefix, self.patience, self.parallel)

    def path(self, *parts: str) -> str:
        """Return the URI of a name."""
        return joined(self.root, *parts)

    def patient(self, seconds: float) -> ObjectFiles:
        """Return these files with another patience."""
        return replace(self, patience=replace(self.patience, total_s=seconds))

    def entries(self, folder: str = "") -> list[Entry]:
        """Return what is in `folder`, sorted by name."""
        prefix = self._key(folder)
        found = self._ask(folder, "read", lambda: self.client.quick.list_with_delimiter(prefix or None))
        folders = [Entry(path.rpartition("/")[2], False, 0, 0.0) for path in found["common_prefixes"]]
        return sorted(folders + [_entry(meta) for meta in found["objects"]])

    def read(self, name: str) -> bytes | None:
        """Return the content of an object; None where there is none."""
        return self.read_many([name])[0]

    def is_taken_away(self, written: str) -> bool:  # noqa: ARG002  # as of a directory
        """Return False: nobody moves a bucket, and what is written to one that is gone fails."""
        return False

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of each object; None where there is none."""
        return self._ask_all(names, "read", self._read)

    def _read(self, name: str) -> bytes | None:
        try:
            return bytes(self._get(name).bytes())
        except FileNotFoundError:
            return None

    def _get(self, name: str) -> Any:
        """Return what a GET gives, with the time-out that the object needs."""
        found = self.client.quick.get(self._key(name))
        return found if found.meta["size"] <= LARGE else self.client.slow.get(self._key(name))

    def open(self, name: str) -> pa.NativeFile:
        """Return an object, read whole into memory that is Arrow's own.

        Of Python's, or of a file in Python, Arrow's threads would let go after the reader is through: a process that
        ends just then is aborted.

        Raises:
            FileNotFoundError: there is none.
        """
        content = self.read(name)
        if content is None:
            raise FileNotFoundError(name)
        memory = pa.BufferOutputStream()
        memory.write(content)
        return pa.BufferReader(memory.getvalue())

    def create(self, name: str, content: Content) -> bool:
        """Write an object by a conditional PUT; "exists" is believed only after reading it.

        Raises:
            StoreError: it cannot be written; where the store gave no answer, it may have been.
        """
        return self._ask(name, "written", lambda: self._create(name, bytes(content)))

    def _create(self, name: str, content: bytes) -> bool:
        try:
            self.client.of(len(content)).put(self._key(name), content, mode="create", use_multipart=False)
        except AlreadyExistsError as error:
            stored = self._read(name)
            if stored is None:  # S3 says so too where two PUTs meet, and stores neither
                raise NoAnswer(error) from error
            return stored == content
        return True

    def put(self, name: str, content: Content) -> None:
        """Write an object."""
        self.put_many({name: content})

    def put_many(self, contents: Mapping[str, Content]) -> None:
        """Write objects, several at a time.

        In threads, since an interrupt between the parts of a large one would leave these behind.
        """

        def put(name: str) -> None:
            content = bytes(contents[name])
            self.client.of(len(content)).put(self._key(name), content)

        self._ask_all(list(contents), "written", put)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, those of them that are there."""
        names = list(names)
        if names:
            self._ask(names[0], "deleted", lambda: self._delete([self._key(name) for name in names]))

    def _delete(self, keys: list[str]) -> None:
        try:
            self.client.quick.delete(keys)
        except FileNotFoundError:  # some stores say so of one that is gone, and stop there
            for key in keys:
                with suppress(FileNotFoundError):
                    self.client.quick.delete(key)

    def move(self, name: str, to: str) -> None:
        """Copy an object within the store, then delete it; a folder object by object."""
        for entry in self.entries(name):
            self.move(f"{name}/{entry.name}", f"{to}/{entry.name}")
        content = self.read(name)
        if content is not None:
            self.put(to, content)
            self.delete([name])

    def _key(self, name: str) -> str:
        return joined(self.prefix, name)

    def _ask(self, name: str, what: str, call: Callable[[], Result]) -> Result:
        return self._ask_all([name], what, lambda _: call())[0]

    def _ask_all(self, names: Sequence[str], what: str, call: Callable[[str], Result]) -> list[Result]:
        calls = [partial(self._asked, name, what, call) for name in names]
        try:
            return self.patience.all_of(calls, self.parallel, self.root, self._answered.is_set)
        except NoAnswer as failure:
            raise store_error(self.path(names[0]), what, reason(failure.error)) from failure.error

    def _asked(self, name: str, what: str, call: Callable[[str], Result]) -> Result:
        """Return what `call` returns; raise `NoAnswer` where it should be made again, and `StoreError` where not."""
        try:
            found = call(name)
        except (BaseError, FileNotFoundError, OSError) as error:
            if is_no_answer(error):
                raise NoAnswer(error, is_away="kind: Connect" in str(error)) from error
            raise store_error(self.path(name), what, reason(error)) from error
        self._answered.set()
        return found


def is_no_answer(error: BaseException | None) -> bool:
    """Return whether an error says that a store was busy, away or silent, rather than that it refused."""
    text = str(error)
    if not isinstance(error, BaseError | OSError) or "builder error" in text:  # of a request that can never be made
        return False
    found = STATUS.search(text)
    return int(found[1]) in TRY_AGAIN if found else "HTTP error" in text or "error decoding response" in text


def reason(error: BaseException) -> str:
    """Return the first line of an error, without the Rust below it."""
    return str(error).partition("\n")[0].strip()


def _entry(meta: Mapping[str, Any]) -> Entry:
    return Entry(meta["path"].rpartition("/")[2], True, meta["size"], meta["last_modified"].timestamp())
