"""What files on a disk and on object storage have in common: entries, errors, and being asked for several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
