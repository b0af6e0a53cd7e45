"""Files of an object store such as S3, through pyarrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from bnsweep.errors import InputError, StoreError
from bnsweep.results.files import Content, Entry, Put, as_store_error, joined, list_entries

PARALLEL = 8
"""Requests at a time."""
Result = TypeVar("Result")
TIMEOUTS = {"connect_timeout": 5.0, "request_timeout": 5.0}
"""Seconds; with the three tries that pyarrow makes, one that does not answer is given up after 20 s."""
URI_TEXTS, URI_FLAGS = {"scheme", "endpoint_override"}, {"allow_bucket_creation", "allow_bucket_deletion"}
"""What a URI may say that the constructor of pyarrow's S3 filesystem takes too."""


def open_uri(uri: str) -> tuple[pafs.FileSystem, str]:
    """Return the filesystem of a URI, and the path on it.

    Raises:
        InputError: no such filesystem, or one that does not answer.
    """
    shown = re.sub("//[^/]*@", "//", uri)  # without the credentials
    try:
        fs, root = pafs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, OSError) as error:
        problem = str(error).replace(uri, shown)
        raise InputError(
            f"--out {shown}: cannot be opened ({problem}); give a path or a URI such as s3://bucket/folder"
        ) from error
    if not root:
        raise InputError(f"--out {shown}: names no bucket; give a path or a URI such as s3://bucket/folder")
    return _with_timeouts(uri, fs) if isinstance(fs, pafs.S3FileSystem) else fs, root


def _with_timeouts(uri: str, fs: pafs.S3FileSystem) -> pafs.S3FileSystem:
    """Return the filesystem of a URI with timeouts, and with one PUT for a small file, which no URI can ask for.

    Where the URI asks for what the constructor does not take, such as not to verify certificates, that comes first.
    """
    parts = urlsplit(uri)
    given = dict(parse_qsl(parts.query))
    if given.keys() - URI_TEXTS - URI_FLAGS - {"region"}:
        return fs
    options: dict[str, Any] = {name: given[name] for name in URI_TEXTS & given.keys()}
    options |= {name: given[name] in ("true", "1") for name in URI_FLAGS & given.keys()}
    if parts.username and parts.password:
        options |= {"access_key": unquote(parts.username), "secret_key": unquote(parts.password)}
    return pafs.S3FileSystem(**options, **TIMEOUTS, region=fs.region, allow_delayed_open=True)


def _folded(entries: Iterable[Entry], folder: str) -> list[Entry]:
    """Return what is in `folder`, of everything below it by its whole path, sorted by name."""
    found: dict[str, Entry] = {}
    for entry in entries:
        name, _, below = entry.name.removeprefix(f"{folder}/").partition("/")
        found[name] = Entry(name, False, 0, 0.0) if below else entry._replace(name=name)
    return sorted(found.values())


@dataclass(frozen=True)
class ObjectFiles:
    """Files under a prefix of a bucket."""

    fs: pafs.FileSystem
    root: str

    def path(self, *parts: str) -> str:
        """Return `bucket/key` of a name."""
        return joined(self.root, *parts)

    def read(self, name: str) -> bytes | None:
        """Return the content of an object; None where there is none."""
        try:
            return self._read(name)
        except StoreError:  # deleted, or written anew, between the look at its size and the reading
            return self._read(name) if self.exists(name) else None

    def _read(self, name: str) -> bytes | None:
        with as_store_error(self.path(name), "read"):
            try:
                with self.fs.open_input_stream(self.path(name)) as stream:
                    return bytes(stream.read())
            except FileNotFoundError:
                return None

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of each object; None where there is none."""
        return _in_parallel(self.read, names)

    def exists(self, name: str) -> bool:
        """Return whether there is such an object."""
        with as_store_error(self.path(name), "read"):
            return bool(self.fs.get_file_info(self.path(name)).type == pafs.FileType.File)

    def entries(self, folder: str = "") -> list[Entry]:
        """Return what is in `folder`, sorted by name."""
        path = self.path(folder)
        if self.fs.type_name != "gcs":
            return list_entries(self.fs, path)
        # pyarrow lists no folders of Google's, where only objects exist: they are recognized by what is in them.
        return _folded(list_entries(self.fs, path, recursive=True), path)

    @contextmanager
    def staged(self, contents: Mapping[str, Content]) -> Iterator[Put]:
        """Prepare nothing; the callable writes each object, several at a time.

        It does so in threads of its own, since an interrupt between the opening and the closing of a stream would make
        a part of the content visible.
        """

        def put(names: Iterable[str]) -> None:
            _in_parallel(lambda name: self._put(name, contents[name]), names)

        yield put

    def _put(self, name: str, content: Content) -> None:
        with as_store_error(self.path(name), "written"):
            stream = self.fs.open_output_stream(self.path(name))
            stream.write(content)
            stream.close()

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, those of them that are there."""
        _in_parallel(self._delete, names)

    def _delete(self, name: str) -> None:
        with as_store_error(self.path(name), "deleted"), suppress(FileNotFoundError):
            self.fs.delete_file(self.path(name))

    def move(self, name: str, to: str) -> None:
        """Copy an object within the store, then delete it; a folder object by object."""
        for entry in self.entries(name):
            self.move(f"{name}/{entry.name}", f"{to}/{entry.name}")
        if self.exists(name):
            self._copy(name, to)
            self._delete(name)

    def _copy(self, name: str, to: str) -> None:
        with as_store_error(self.path(name), f"moved to {self.path(to)}"):
            self.fs.copy_file(self.path(name), self.path(to))

    @contextmanager
    def guard(self, *, exclusive: bool) -> Iterator[None]:  # noqa: ARG002  # there is nothing to lock by
        """Do nothing."""
        yield

    def swap(self, folder: str, go: Mapping[str, str], come: Mapping[str, str]) -> None:
        """Delete the old objects, then write the new ones."""
        self.delete(f"{folder}/{name}" for name in go)
        for name, staged in come.items():
            self.move(staged, f"{folder}/{name}")


def _in_parallel(call: Callable[[str], Result], names: Iterable[str]) -> list[Result]:
    """Return what `call` returns for each name; after an error no more are begun."""
    pool = ThreadPoolExecutor(PARALLEL)
    try:
        return list(pool.map(call, list(names)))
    finally:
        pool.shutdown(cancel_futures=True)
