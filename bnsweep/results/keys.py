"""Keys of trials as numbers: their 16 hexadecimal digits are one unsigned integer of 64 bits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Keys = NDArray[np.uint64]


def to_numbers(keys: Iterable[str] | pa.Array | pa.ChunkedArray) -> Keys:
    """Return keys as numbers, in their order; what is no key, as in files that others wrote, is left out.

    >>> to_numbers(["00000000000000ff", "no key"])
    array([255], dtype=uint64)
    """
    texts = keys if isinstance(keys, pa.Array | pa.ChunkedArray) else pa.array(list(keys), pa.string())
    texts = texts.cast(pa.string())
    texts = texts.filter(pc.match_substring_regex(texts, "^[0-9a-f]{16}$"))
    return np.frombuffer(bytes.fromhex("".join(texts.to_pylist())), ">u8").astype(np.uint64)


def to_texts(keys: Keys) -> list[str]:
    """Return the keys that numbers are, in their order.

    >>> to_texts(np.array([255], np.uint64))
    ['00000000000000ff']
    """
    digits = np.ascontiguousarray(keys, ">u8").tobytes().hex()
    return [digits[start : start + 16] for start in range(0, len(digits), 16)]
