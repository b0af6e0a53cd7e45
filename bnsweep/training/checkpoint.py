"""The state of a trial between two steps, as bytes."""

from __future__ import annotations

import io
from typing import Any

import torch

FORMAT = b"bnsweep trial state 2\n"
"""How the bytes begin; bumped when the state is laid out anew."""


def dump(state: dict[str, Any]) -> bytes:
    """Return the bytes of what a `state_dict` returned.

    Raises:
        TypeError, AttributeError, pickle.PicklingError: a probe of the user's own cannot be pickled.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return FORMAT + buffer.getvalue()


def load(content: bytes, device: torch.device) -> dict[str, Any] | None:
    """Return what `dump` was given, its tensors on `device`; None where another version of bnsweep wrote it.

    The content is unpickled: it must come from a store that one trusts as much as one's own code.
    """
    if not content.startswith(FORMAT):
        return None
    state: dict[str, Any] = torch.load(io.BytesIO(content[len(FORMAT) :]), map_location=device, weights_only=False)
    return state
