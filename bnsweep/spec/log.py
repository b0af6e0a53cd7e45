"""What is kept of a trial on its way."""

from __future__ import annotations

from typing import Literal

from bnsweep.spec.section import Section


class LogSpec(Section):
    """What the rows of a trial say of its way, beside what probes measure; part of the key, since rows differ."""

    curves: Literal["all", "summary"] = "all"
    """What `curves` holds: every `train.log_every`-th step, or the `summary` that tables and claims take: method.md."""
