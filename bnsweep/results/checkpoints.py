"""Checkpoints of trials that take long: opaque bytes, each with a digest of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from bnsweep.results.locations import Files

CHECKPOINTS = "_checkpoints"
DIGEST_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints in a store, by the key of their trial."""

    files: Files

    def save(self, key: str, content: bytes) -> None:
        """Keep `content` as the checkpoint of a trial, in place of an older one."""
        self.files.put(f"{CHECKPOINTS}/{key}", hashlib.sha256(content).digest() + content)

    def load(self, key: str) -> bytes | None:
        """Return the checkpoint of a trial; None where there is none or it is damaged."""
        stored = self.files.read(f"{CHECKPOINTS}/{key}") or b""
        digest, content = stored[:DIGEST_SIZE], stored[DIGEST_SIZE:]
        return content if hashlib.sha256(content).digest() == digest else None

    def keys(self) -> set[str]:
        """Return the keys of the trials that have a checkpoint."""
        return {entry.name for entry in self.files.entries(CHECKPOINTS)}

    def drop(self, trial_keys: Iterable[str]) -> None:
        """Delete the checkpoints of these trials."""
        self.files.delete(f"{CHECKPOINTS}/{key}" for key in trial_keys)
