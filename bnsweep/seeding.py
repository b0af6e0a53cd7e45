"""Every random stream of a trial, derived from its seed alone: paired across lr, gain and norm, and never global."""

from __future__ import annotations

import zlib

import numpy as np


def derive(seed: int, stream: str, *indices: int) -> int:
    """Return the 63-bit seed of one named stream.

    >>> derive(0, "weights", 3) == derive(0, "weights", 3)
    True
    >>> derive(0, "weights", 3) == derive(0, "data_order", 3)
    False
    """
    spawn_key = (zlib.crc32(stream.encode()), *indices)
    return int(np.random.SeedSequence(seed, spawn_key=spawn_key).generate_state(1, np.uint64)[0] >> np.uint64(1))
