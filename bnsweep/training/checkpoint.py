"""The state of a trial between two steps, as bytes."""

from __future__ import annotations

import io
from typing import Any

import torch


def dump(state: dict[str, Any]) -> bytes:
    """Return the bytes of what a `state_dict` returned.

    Raises:
        TypeError, AttributeError, pickle.PicklingError: a probe of the user's own cannot be pickled.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def load(content: bytes, device: torch.device) -> dict[str, Any]:
    """Return what `dump` was given, its tensors on `device`.

    The content is unpickled: it must come from a store that one trusts as much as one's own code.
    """
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location=device, weights_only=False)
    return state
