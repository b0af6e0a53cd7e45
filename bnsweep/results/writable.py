"""Whether a store can be written, found out before any work is done."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import PurePosixPath

from bnsweep.errors import InputError, StoreError
from bnsweep.results.local import NO_LINKS, STAGING, LocalFiles
from bnsweep.results.locations import Files

MAX_NAME_LENGTH, MAX_PATH_LENGTH = 255, 4096
ROOM_FOR_NAMES = 128
"""Bytes that the names of tables and files take in a path."""


def check_writable(files: Files) -> None:
    """Leave nothing behind.

    Raises:
        InputError: a directory could not be created or written, or is of a kind that bnsweep cannot use.
        StoreError: an object store that does not answer.
    """
    if isinstance(files, LocalFiles):
        _check_local(files.root)
    else:
        _check_remote(files)


def _check_local(root: str) -> None:
    too_long = [part for part in PurePosixPath(root).parts if len(part.encode()) > MAX_NAME_LENGTH]
    if too_long:
        raise InputError(
            f"--out {root}: the name {too_long[0]} is longer than {MAX_NAME_LENGTH} bytes; give a shorter one"
        )
    if len(root.encode()) + ROOM_FOR_NAMES > MAX_PATH_LENGTH:
        raise InputError(
            f"--out: a path of {len(root.encode())} bytes; give a shorter one of at most {MAX_PATH_LENGTH}"
        )
    folder = root
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise InputError(f"--out {root}: {folder} is not a directory; give a directory or a new name")
    try:
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder) as place:
            is_conditional = _creates_once(LocalFiles(place), "file")
    except StoreError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_LINKS:
            raise InputError(
                f"--out {root}: {folder} is on a file system that has no hard links ({error.__cause__.strerror}), by "
                "which a run would tell that no other one is there; give a directory on another disk, or a bucket"
            ) from error
        raise
    except OSError as error:
        problem = f"{folder} cannot be written ({error.strerror})"
        raise InputError(f"--out {root}: {problem}; give a directory that can") from error
    if not is_conditional:
        raise _without_conditional_creation(root)


def _check_remote(files: Files) -> None:
    from bnsweep.results.objects import is_no_answer, reason  # of no use on a disk

    name = f"{STAGING}/{uuid.uuid4().hex}"
    try:
        is_conditional = _creates_once(files, name)
        files.delete([name])
    except StoreError as error:
        if is_no_answer(error.__cause__):
            raise
        raise InputError(
            f"--out {files.root}: cannot be written ({reason(error.__cause__ or error)}); the bucket should exist, and "
            "for S3 credentials that may write to it be in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or in "
            "~/.aws/credentials; the URI of a store other than AWS ends in ?endpoint_override=HOST:PORT"
        ) from error
    if not is_conditional:
        raise _without_conditional_creation(files.root)


def _creates_once(files: Files, name: str) -> bool:
    return files.create(name, b"first") and not files.create(name, b"second")


def _without_conditional_creation(root: str) -> InputError:
    return InputError(
        f"--out {root}: this store writes a file although one of that name is there (no conditional creation), so two "
        "runs could harm each other; give a path on a disk, or a store that can, as S3, GCS and Azure's can"
    )
