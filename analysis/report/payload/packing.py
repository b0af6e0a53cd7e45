"""Arrays and a header as one text that a page can hold: gzip in base64."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 8
LEVEL = 6
"""Of gzip; more takes several times as long for a few per cent."""


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return base64 of gzip of: the header's length (uint32, then 4 bytes of 0), the header in JSON, the arrays.

    The header gets a field `arrays`: by name type (f4, f8 or u1, little-endian), offset in bytes from the first and
    number of values. Every array, and the first of them from the start, begins at a multiple of 8 bytes.
    """
    entries, parts, offset = dict[str, tuple[str, int, int]](), list[bytes](), 0
    for name, array in arrays.items():
        flat = np.ascontiguousarray(array).reshape(-1)
        data = flat.astype(flat.dtype.newbyteorder("<"), copy=False).tobytes()
        entries[name] = (f"{flat.dtype.kind}{flat.dtype.itemsize}", offset, flat.size)
        parts.append(_padded(data))
        offset += len(parts[-1])
    text = json.dumps({**header, "arrays": entries}, allow_nan=False, separators=(",", ":")).encode()
    whole = b"".join([struct.pack("<II", len(text), 0), _padded(text), *parts])
    return base64.b64encode(gzip.compress(whole, LEVEL, mtime=0)).decode()


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)
