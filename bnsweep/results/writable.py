"""Whether a store can be written, found out before any work is done."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import PurePosixPath

from bnsweep.errors import InputError, StoreError
from bnsweep.results.files import Files
from bnsweep.results.local import STAGING, LocalFiles

MAX_NAME_LENGTH, MAX_PATH_LENGTH = 255, 4096
ROOM_FOR_NAMES = 128
"""Bytes that the names of tables and files take in a path."""
AWAY = "NETWORK_CONNECTION"


def check_writable(files: Files) -> None:
    """Raise `InputError` where a directory could not be created or written; leave nothing behind."""
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
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder):
            pass
    except OSError as error:
        problem = f"{folder} cannot be written ({error.strerror})"
        raise InputError(f"--out {root}: {problem}; give a directory that can") from error


def _check_remote(files: Files) -> None:
    name = f"{STAGING}/{uuid.uuid4().hex}"
    try:
        files.put(name, b"")
        files.delete([name])
    except StoreError as error:
        if AWAY in str(error):
            raise
        raise InputError(
            f"--out {files.root}: cannot be written ({error.__cause__}); the bucket should exist, and credentials that "
            "may write to it be in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or in ~/.aws/credentials; the URI of a "
            "store other than AWS ends in ?endpoint_override=HOST:PORT"
        ) from error
