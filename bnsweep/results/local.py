"""Files of a local directory."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pyarrow.fs as pafs

from bnsweep.results.files import ASIDE, STAGING, Content, Entry, Put, as_store_error, joined, list_entries

COMMIT_LOCK = "_commit_lock"


@dataclass(frozen=True)
class LocalFiles:
    """Files of a directory of a POSIX filesystem."""

    root: str
    fs: pafs.FileSystem = field(default_factory=pafs.LocalFileSystem)

    def path(self, *parts: str) -> str:
        """Return the absolute path of a name."""
        return joined(self.root, *parts)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        with as_store_error(self.path(name), "read"):
            try:
                with open(self.path(name), "rb") as file:
                    return file.read()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of each file; None where there is none."""
        return [self.read(name) for name in names]

    def exists(self, name: str) -> bool:
        """Return whether there is such a file."""
        return os.path.isfile(self.path(name))

    def entries(self, folder: str = "") -> list[Entry]:
        """Return what is in `folder`, sorted by name."""
        return list_entries(self.fs, self.path(folder))

    @contextmanager
    def staged(self, contents: Mapping[str, Content]) -> Iterator[Put]:
        """Write the files aside and to the disk; the callable renames them.

        A file is on the disk before it gets its name, and the name before the callable returns: after a power cut, too,
        what was made visible last is there only if all before it is.
        """
        waiting = {name: self.path(STAGING, uuid.uuid4().hex) for name in contents}

        def put(names: Iterable[str]) -> None:
            names = list(names)
            for name in names:
                with as_store_error(self.path(name), "written"):
                    make_folder(os.path.dirname(self.path(name)))
                    os.replace(waiting[name], self.path(name))
                    del waiting[name]
            for folder in {os.path.dirname(self.path(name)) for name in names}:
                with as_store_error(folder, "written"):
                    sync_folder(folder)

        try:
            for name, path in waiting.items():
                with as_store_error(self.path(name), "written"):
                    make_folder(os.path.dirname(path))
                    _write_durably(path, contents[name])
            yield put
        finally:
            for path in waiting.values():
                with suppress(OSError):
                    os.remove(path)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files, those of them that are there."""
        for name in names:
            with as_store_error(self.path(name), "deleted"), suppress(FileNotFoundError):
                os.remove(self.path(name))

    def move(self, name: str, to: str) -> None:
        """Rename a file or a folder."""
        with as_store_error(self.path(name), f"moved to {self.path(to)}"):
            make_folder(os.path.dirname(self.path(to)))
            os.replace(self.path(name), self.path(to))
            sync_folder(os.path.dirname(self.path(to)))

    @contextmanager
    def guard(self, *, exclusive: bool) -> Iterator[None]:
        """Hold the commit lock, shared or exclusive; the kernel lets go of it when the process dies."""
        path = self.path(COMMIT_LOCK)
        with as_store_error(path, "locked"):
            make_folder(self.root)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            with as_store_error(path, "locked"):
                fcntl.flock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def swap(self, folder: str, go: Mapping[str, str], come: Mapping[str, str]) -> None:
        """Rename the folder away, then the files in it, then the folder back: readers meanwhile find no such folder."""
        path, away = self.path(folder), self.path(ASIDE, folder)
        with as_store_error(path, "replaced"):
            make_folder(os.path.dirname(away))
            if os.path.isdir(path) and not os.path.isdir(away):
                os.rename(path, away)
            make_folder(away)
            for unseen in {os.path.dirname(self.path(to)) for to in go.values()}:
                make_folder(unseen)  # not there yet where nothing comes
            for name, to in go.items():
                _rename_if_there(os.path.join(away, name), self.path(to))
            for name, staged in come.items():
                _rename_if_there(self.path(staged), os.path.join(away, name))
            if os.path.isdir(path):  # a worker that outlived its run has written there in between
                for name in os.listdir(path):
                    os.replace(os.path.join(path, name), os.path.join(away, name))
                os.rmdir(path)
            sync_folder(away)
            os.rename(away, path)
            sync_folder(self.root)


def make_folder(folder: str) -> None:
    """Make a local folder, durably, where there is none."""
    if not os.path.isdir(folder):
        os.makedirs(folder, exist_ok=True)
        sync_folder(os.path.dirname(folder))


def sync_folder(folder: str) -> None:
    """Bring the names in a local folder to the disk: else a power cut could take a rename back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_durably(path: str, content: Content) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _rename_if_there(path: str, to: str) -> None:
    with suppress(FileNotFoundError):
        os.replace(path, to)
