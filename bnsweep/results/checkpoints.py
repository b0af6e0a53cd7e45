"""Checkpoints of trials that take long: opaque bytes, each with a digest of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from bnsweep.results.files import Files

CHECKPOINTS = "_checkpoints"
DIGEST_SIZE = hashlib.sha256().digest_size


def save(files: Files, key: str, content: bytes) -> None:
    """Keep `content` as the checkpoint of a trial, in place of an older one."""
    files.put(f"{CHECKPOINTS}/{key}", hashlib.sha256(content).digest() + content)


def load(files: Files, key: str) -> bytes | None:
    """Return the checkpoint of a trial; None where there is none or it is damaged."""
    stored = files.read(f"{CHECKPOINTS}/{key}")
    return None if stored is None else unpacked(stored)


def unpacked(stored: bytes) -> bytes | None:
    """Return the content of a stored checkpoint; None where it does not match its digest."""
    digest, content = stored[:DIGEST_SIZE], stored[DIGEST_SIZE:]
    return content if hashlib.sha256(content).digest() == digest else None


def keys(files: Files) -> set[str]:
    """Return the keys of the trials that have a checkpoint."""
    return {entry.name for entry in files.entries(CHECKPOINTS)}


def drop(files: Files, trial_keys: Iterable[str]) -> None:
    """Delete the checkpoints of these trials."""
    files.delete(f"{CHECKPOINTS}/{key}" for key in trial_keys)
