"""What a study finds: a statement, one number per seed, and what its interval says of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.claims.statement import Side, verdict
from analysis.statistics.intervals import CONFIDENCE, seed_interval
from analysis.statistics.nan_aware import Floats

ACCURACY = "accuracy"
"""The unit of what lies between -1 and 1, so that seeds that all give the same have an interval too."""


@dataclass(frozen=True)
class Finding:
    """One statement of the study, put before its runs were looked at.

    Args:
        source: the figure or paper that it is of.
        statement: what should be so.
        unit: of the effect.
        by_seed: the effect, one number per seed, seeds paired; NaN where a seed gives none.
        side: whether the effect should be above `bound`, below it, or within it on either side of 0.
        bound: 0 for a difference, a margin for 'no worse than' and 'the same'.
    """

    source: str
    statement: str
    unit: str
    by_seed: pd.Series[float]
    side: Side
    bound: float = 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Of the mean over seeds, at `CONFIDENCE`; NaN where there is none."""
        least, most = (-1.0, 1.0) if self.unit == ACCURACY else (-inf, inf)
        low, high = seed_interval(self._values, least=least, most=most)
        return float(low), float(high)

    @property
    def verdict(self) -> str:
        """What the interval says of the statement; 'not tested' where no seed gives an effect."""
        return verdict(self.side, self.bound, *self.interval) if len(self._values) else "not tested"

    @property
    def row(self) -> dict[str, object]:
        """source, statement, in how many seeds it is so, effect with interval, what was asked, verdict: for a page."""
        values = self._values
        mean = _number(values.mean() if len(values) else np.nan)
        return {
            "source": self.source,
            "statement": self.statement,
            "so in": f"{int(self._is_so(values).sum())} of {len(values)}",
            "effect": f"{mean} {_interval(*self.interval)} {self.unit}".strip(),
            "should be": self._asked,
            "verdict": self.verdict,
        }

    @property
    def _values(self) -> Floats:
        return np.asarray(self.by_seed.dropna(), dtype=np.float64)

    def _is_so(self, values: Floats) -> NDArray[np.bool_]:
        """Return of each seed whether the statement holds in it."""
        if self.side == "within":
            return np.abs(values) <= self.bound
        return values > self.bound if self.side == "above" else values < self.bound

    @property
    def _asked(self) -> str:
        return f"within {self.bound:g}" if self.side == "within" else f"{self.side} {self.bound:g}"


def _number(value: float) -> str:
    return f"{value:+.3g}" if isfinite(value) else "none"


def _interval(low: float, high: float) -> str:
    return f"[{low:+.3g}, {high:+.3g}]" if isfinite(low) else "(no interval)"


def as_markdown(findings: Iterable[Finding]) -> str:
    """Return a table of Markdown, a line per finding, what is contradicted first."""
    rows = [finding.row for finding in findings]
    rows.sort(key=lambda row: row["verdict"] != "contradicted")
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(str(value).replace("|", r"\|") for value in row.values()) + " |" for row in rows]
    held = f"Effects are means over seeds; intervals hold at {100 * CONFIDENCE:.1f} %, however often seeds are added."
    note = f"{held} So in: the seeds in which the statement holds."
    return "\n".join([*lines, "", note])


def decades(values: pd.Series[float]) -> pd.Series[float]:
    """Return log10 of positive values; NaN for others."""
    positive = values.where(values > 0).astype(float)
    return pd.Series(np.log10(positive.to_numpy(dtype=float)), index=values.index)


def difference(values: pd.Series[float], norm: str, baseline: str) -> pd.Series[float]:
    """Return by seed the value of one mode minus that of another; `values` has the index (norm, seed)."""
    by_mode = values[~values.index.duplicated()]
    absent = pd.Series(dtype=float)
    one, other = (by_mode.xs(name) if name in by_mode.index.unique("norm") else absent for name in (norm, baseline))
    found: pd.Series[float] = one - other
    return found
