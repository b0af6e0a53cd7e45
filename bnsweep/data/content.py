"""The sha256 of the data that a trial is trained on, taken where they are read: what tells other data of one name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

PIECE_BYTES = 2**20


def of_files(files: Iterable[BinaryIO]) -> str:
    """Return the sha256 of files one after the other, as `cat FILE FILE | sha256sum` prints it; they are rewound."""
    digest = hashlib.sha256()
    for file in files:
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
        file.seek(0)
    return digest.hexdigest()


def of_arrays(arrays: Iterable[NDArray[Any]]) -> str:
    """Return the sha256 of arrays: of each its type, its shape, and its numbers row by row."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()
