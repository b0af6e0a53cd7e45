"""Files of a store: the few operations that everything else is built of, on any filesystem.

A name is a path relative to the store's root. What fails is a `StoreError` that names the file. There are two
implementations: `LocalFiles` in `local.py` and `ObjectFiles` in `objects.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol, TypeAlias

import pyarrow as pa
import pyarrow.fs as pafs

from bnsweep.errors import StoreError

STAGING = "_staging"
ASIDE = "_aside"
"""Where tables are while files of theirs are swapped."""

Content: TypeAlias = "bytes | pa.Buffer"
Put = Callable[[Iterable[str]], None]
"""Makes files visible, by name, each whole."""


class Entry(NamedTuple):
    """What is in a folder: its name there, its bytes, and when it was written, in seconds by the server's clock."""

    name: str
    is_file: bool
    size: int
    mtime_s: float


class Files(Protocol):
    """What a store needs of a filesystem."""

    @property
    def fs(self) -> pafs.FileSystem:
        """For pyarrow's readers."""
        ...

    @property
    def root(self) -> str:
        """The store's directory on `fs`."""
        ...

    def path(self, *parts: str) -> str:
        """Return the path on `fs` of a name."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        ...

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of each file; None where there is none."""
        ...

    def exists(self, name: str) -> bool:
        """Return whether there is such a file."""
        ...

    def entries(self, folder: str = "") -> list[Entry]:
        """Return what is in `folder`, sorted by name; nothing where there is no such folder."""
        ...

    def staged(self, contents: Mapping[str, Content]) -> AbstractContextManager[Put]:
        """Prepare files; inside, the callable makes those named visible, each whole, durably, in place of an old one.

        Of what was not made visible nothing is left behind.
        """
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Delete files, those of them that are there."""
        ...

    def move(self, name: str, to: str) -> None:
        """Move a file, in place of one that is there, or a folder."""
        ...

    def guard(self, *, exclusive: bool) -> AbstractContextManager[None]:
        """Exclude one another: those who change what is committed (exclusive) and those who commit (not exclusive).

        Between processes and hosts of one local filesystem; on object storage this does nothing.
        """
        ...

    def swap(self, folder: str, go: Mapping[str, str], come: Mapping[str, str]) -> None:
        """Let files of a folder give way to others, such that no reader of it sees both; again, it goes on from there.

        Args:
            folder: where readers see them.
            go: names there, each with one under which it may be kept out of sight, to be deleted later.
            come: names there, each with the one under which it is staged.
        """
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
        reason = error.strerror or str(error)
        raise StoreError(
            f"{path}: cannot be {what} ({reason}); what was committed is unharmed; "
            "once this is mended, the same command continues"
        ) from error


def write(files: Files, name: str, content: Content) -> None:
    """Write one file, visible whole or not at all."""
    with files.staged({name: content}) as put:
        put([name])


def list_entries(fs: pafs.FileSystem, path: str, *, recursive: bool = False) -> list[Entry]:
    """Return what is in a folder, sorted by name; nothing where there is no such folder.

    Where `recursive`, all that is below it, each by its whole path.
    """
    with as_store_error(path, "read"):
        try:
            infos = fs.get_file_info(pafs.FileSelector(path, allow_not_found=True, recursive=recursive))
        except FileNotFoundError:  # taken away just now by a run beside us
            return []
    return sorted(
        Entry(
            info.path if recursive else info.base_name,
            info.type == pafs.FileType.File,
            info.size or 0,
            (info.mtime_ns or 0) / 1e9,
        )
        for info in infos
    )
