"""The state of a trial between two steps, as bytes: tensors and plain values, never objects that run code when read."""

from __future__ import annotations

import io
import warnings
from typing import Any

import torch

from bnsweep.data import Dataset
from bnsweep.probes.state import NotPlain

FORMAT = b"bnsweep trial state 6\n"
"""How the bytes begin; bumped when the state is laid out anew."""
PLAIN = (type(None), bool, int, float, str, bytes, torch.Tensor)


def dump(state: dict[str, Any]) -> bytes:
    """Return the bytes of what a `state_dict` returned.

    Raises:
        NotPlain: something in it is neither a tensor nor a plain value: a probe of the user's own remembers it, or has
            it in its rows.
    """
    _check_plain(state)
    buffer = io.BytesIO()
    torch.save(_by_themselves(state), buffer)
    return FORMAT + buffer.getvalue()


def load(content: bytes, device: torch.device) -> dict[str, Any] | None:
    """Return what `dump` was given, its tensors on `device`; None where that is not what it is.

    Nothing is run: whoever may write to a store must not run code on its workers by that.
    """
    if not content.startswith(FORMAT):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            state = torch.load(io.BytesIO(content[len(FORMAT) :]), map_location=device, weights_only=True)
    except Exception:  # damaged, whichever way: the trial begins anew
        return None
    return state if isinstance(state, dict) else None


def load_of(data: Dataset, content: bytes | None, device: torch.device) -> dict[str, Any] | None:
    """Return what `dump` was given, of a trial on these data; None where that is not what it is."""
    state = None if content is None else load(content, device)
    return state if state and state["data_sha256"] == data.sha256 else None


def _by_themselves(value: Any) -> Any:
    """Return the value with copies of tensors that are part of a larger one, which would be saved as a whole."""
    if isinstance(value, dict):
        return {key: _by_themselves(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_by_themselves(entry) for entry in value)
    is_part = isinstance(value, torch.Tensor) and value.untyped_storage().nbytes() > value.nbytes
    return value.clone() if is_part else value


def _check_plain(value: object) -> None:
    if type(value) is dict:
        for key, entry in value.items():
            _check_plain(key)
            _check_plain(entry)
    elif type(value) in (list, tuple):
        for entry in value:  # type: ignore[attr-defined]  # mypy does not narrow by `type() in`
            _check_plain(entry)
    elif type(value) not in PLAIN:
        raise NotPlain(f"a {type(value).__name__} is neither a tensor nor a plain value")


__all__ = ["FORMAT", "NotPlain", "dump", "load", "load_of"]
