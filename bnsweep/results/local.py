"""Files of a local directory."""

from __future__ import annotations

import errno
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from bnsweep.results.files import Content, Entry, as_store_error, joined, store_error

STAGING = "_staging"
"""Where files are written before they get their names."""
NO_SUCH_CALL = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF}
"""What file systems say whose folders cannot be synced."""
NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EMLINK}
MAX_TRIES = 20


@dataclass(frozen=True)
class LocalFiles:
    """Files of a directory of a POSIX filesystem.

    A file is written aside and to the disk before it gets its name, and the name is on the disk before the call
    returns: after a power cut, too, what was made visible last is there only if all before it is.
    """

    root: str
    parallel: int = 1

    def path(self, *parts: str) -> str:
        """Return the absolute path of a name."""
        return joined(self.root, *parts)

    def entries(self, folder: str = "") -> list[Entry]:
        """Return what is in `folder`, sorted by name."""
        found = []
        with (
            as_store_error(self.path(folder), "read"),
            suppress(FileNotFoundError),
            os.scandir(self.path(folder)) as it,
        ):
            for entry in it:
                with suppress(FileNotFoundError):  # taken away just now
                    stat = entry.stat()
                    found.append(Entry(entry.name, entry.is_file(), stat.st_size, stat.st_mtime))
        return sorted(found)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        with as_store_error(self.path(name), "read"):
            try:
                with open(self.path(name), "rb") as file:
                    return file.read()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def is_taken_away(self, written: str) -> bool:
        """Return whether the directory was moved, deleted or unmounted since a file was written.

        Whoever wrote there again would make it anew.
        """
        with as_store_error(self.path(written), "read"):
            try:
                os.stat(self.path(written))
            except (FileNotFoundError, NotADirectoryError):
                return True
            return False

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of each file; None where there is none."""
        return [self.read(name) for name in names]

    def open(self, name: str) -> pa.NativeFile:
        """Open a file."""
        try:
            return pa.OSFile(self.path(name), "rb")
        except FileNotFoundError:
            raise FileNotFoundError(name) from None
        except OSError as error:
            raise store_error(self.path(name), "read", str(error)) from error

    def create(self, name: str, content: Content) -> bool:
        """Write a file aside, then link it to its name, which fails where that is taken.

        Raises:
            StoreError: it cannot be written, or the file system has no hard links.
        """
        for _ in range(MAX_TRIES):
            try:
                self._place(name, content, os.link)
            except FileExistsError:
                stored = self.read(name)
                if stored is not None:
                    return stored == bytes(content)
            except FileNotFoundError:  # a clean-up of another run took away what was written aside
                continue
            else:
                return True
        raise store_error(self.path(name), "written", "it comes and goes")

    def put(self, name: str, content: Content) -> None:
        """Write a file aside, then rename it."""
        for _ in range(MAX_TRIES):
            with suppress(FileNotFoundError):  # a clean-up of another run took away what was written aside
                return self._place(name, content, os.replace)
        raise store_error(self.path(name), "written", "what is written aside is taken away")

    def put_many(self, contents: Mapping[str, Content]) -> None:
        """Write files one by one."""
        for name, content in contents.items():
            self.put(name, content)

    def _place(self, name: str, content: Content, give_name: Callable[[str, str], None]) -> None:
        path, aside = self.path(name), self.path(STAGING, uuid.uuid4().hex)
        try:
            for folder in (os.path.dirname(path), os.path.dirname(aside)):
                with as_store_error(folder, "written"):
                    make_folder(folder)
            with as_store_error(path, "written"):
                _write_durably(aside, content)
            try:
                give_name(aside, path)
            except (FileExistsError, FileNotFoundError):
                raise
            except OSError as error:
                is_lacking = give_name is os.link and error.errno in NO_LINKS
                why = f"{error.strerror}: this file system has no hard links" if is_lacking else error.strerror
                raise store_error(path, "written", why or str(error)) from error
            with as_store_error(path, "written"):
                sync_folder(os.path.dirname(path))
        finally:
            with suppress(OSError):
                os.remove(aside)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files, those of them that are there."""
        for name in names:
            with as_store_error(self.path(name), "deleted"), suppress(FileNotFoundError, NotADirectoryError):
                os.remove(self.path(name))

    def move(self, name: str, to: str) -> None:
        """Rename a file or a folder."""
        with as_store_error(self.path(name), f"moved to {self.path(to)}"):
            make_folder(os.path.dirname(self.path(to)))
            os.replace(self.path(name), self.path(to))
            sync_folder(os.path.dirname(self.path(to)))

    def patient(self, seconds: float) -> LocalFiles:  # noqa: ARG002  # a disk that fails does so at once
        """Return these files."""
        return self


def make_folder(folder: str) -> None:
    """Make a local folder, durably, where there is none."""
    if not os.path.isdir(folder):
        os.makedirs(folder, exist_ok=True)
        sync_folder(os.path.dirname(folder))


def sync_folder(folder: str) -> None:
    """Bring the names in a local folder to the disk: else a power cut could take one back.

    Some network shares cannot do that; they are gone without.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SUCH_CALL:
            raise
        _say_once(
            f"the file system of the results cannot sync folders ({error.strerror}): a power cut may take back "
            "what was committed last, which the next run then makes again"
        )
    finally:
        os.close(descriptor)


@cache
def _say_once(message: str) -> None:
    print(f"bnsweep: {message}", file=sys.stderr)  # noqa: T201


def _write_durably(path: str, content: Content) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
