"""Files of a store: the few operations that everything else is built of, on a disk or on object storage.

A name is a path relative to the store's root. What fails is a `StoreError` that names the file. There are two
implementations: `LocalFiles` in `local.py` and `ObjectFiles` in `objects.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

import pyarrow as pa

from bnsweep.errors import StoreError

Content: TypeAlias = "bytes | pa.Buffer"
Item = TypeVar("Item")
Result = TypeVar("Result")


class Entry(NamedTuple):
    """What is in a folder: its name there, its bytes, and when it was written, in seconds by the server's clock."""

    name: str
    is_file: bool
    size: int
    mtime_s: float


class Source(Protocol):
    """Files that are only read."""

    @property
    def root(self) -> str:
        """The store's directory, as its users name it."""
        ...

    @property
    def parallel(self) -> int:
        """How many operations to ask for at a time."""
        ...

    def path(self, *parts: str) -> str:
        """Return the path of a name, as users would write it."""
        ...

    def entries(self, folder: str = "") -> list[Entry]:
        """Return what is in a folder, sorted by name; nothing where there is no such folder."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        ...


class Files(Source, Protocol):
    """What a store needs of a disk or of object storage."""

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of each file; None where there is none."""
        ...

    def open(self, name: str) -> pa.NativeFile:
        """Return a file to read parts of.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def create(self, name: str, content: Content) -> bool:
        """Write a file if there is none of that name; return whether the one that is there now has this content.

        That is believed only after reading it: a reply may be lost, so that a second try finds what the first wrote.
        """
        ...

    def put(self, name: str, content: Content) -> None:
        """Write a file, visible whole or not at all, in place of an old one."""
        ...

    def put_many(self, contents: Mapping[str, Content]) -> None:
        """Write files, each visible whole or not at all."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Delete files, those of them that are there."""
        ...

    def move(self, name: str, to: str) -> None:
        """Move a file, or a folder with all that is in it."""
        ...

    def patient(self, seconds: float) -> Files:
        """Return these files, each operation of which is tried again for so long where the store is at fault."""
        ...


def joined(root: str, *parts: str) -> str:
    """Return the path of something under a root."""
    return "/".join(part for part in (root, *parts) if part)


@contextmanager
def as_store_error(path: str, what: str) -> Iterator[None]:
    """Turn an `OSError` into a `StoreError` that says what could not be done to `path`, and how to go on."""
    try:
        yield
    except OSError as error:
        raise store_error(path, what, error.strerror or str(error)) from error


def store_error(path: str, what: str, reason: str) -> StoreError:
    """Return the error that says what could not be done to `path`, why, and how to go on."""
    return StoreError(
        f"{path}: cannot be {what} ({reason}); what was committed is unharmed; "
        "once this is mended, the same command continues"
    )


def in_parallel(call: Callable[[Item], Result], items: Iterable[Item], workers: int) -> list[Result]:
    """Return what `call` returns for each item; after an error no more are begun."""
    items = list(items)
    if workers < 2 or len(items) < 2:
        return [call(item) for item in items]
    pool = ThreadPoolExecutor(min(workers, len(items)))
    try:
        return list(pool.map(call, items))
    finally:
        pool.shutdown(cancel_futures=True)
