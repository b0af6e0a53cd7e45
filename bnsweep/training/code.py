"""Which code of the user's own a trial runs: stored with it, and with what is saved of it on the way."""

from __future__ import annotations

from bnsweep.own_source import code_names, imported_sha256
from bnsweep.spec import TrialSpec


def code_sha256(spec: TrialSpec) -> str | None:
    """Return the digest of the code that this process has for it; None for none, and where there is no source."""
    trial = None if spec.trial is None else spec.trial.name
    return imported_sha256(code_names(spec.model.name, trial, spec.probes.custom))
