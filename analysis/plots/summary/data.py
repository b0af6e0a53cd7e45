"""The sweep on one page: how robust each mode is, how smooth its loss, how large its shift, and what is claimed."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.measures.scores import final_score, require_score
from analysis.measures.walks import walks
from analysis.plots.bands import open_note
from analysis.plots.computed import Computed, compute
from analysis.plots.ics import ics_data
from analysis.plots.landscape import landscape_data
from analysis.plots.reference_cell import reference_cell
from analysis.plots.summary.claim_tiles import format_verdicts
from analysis.statistics.intervals import CONFIDENCE
from analysis.tables.headline import width_headline
from analysis.tables.pooled import pooled_rows
from bnsweep.errors import InputError

SHOWN_FIRST = ("none", "batch", "noisy_batch")
"""The modes whose bands are drawn over one another; more would hide each other."""


@dataclass(frozen=True, repr=False)
class SummaryData:
    """What each panel of the summary shows, of one configuration; a panel whose probe was not measured is empty."""

    title: str
    subtitle: str
    norms: list[str]
    overlaid: list[str]
    """The modes whose bands are drawn, in c and d alone."""
    lrs: list[float]
    accuracy: pd.DataFrame
    """norm, lr; mean, low, high: over seeds, of the accuracy averaged over inits and gains."""
    widths: pd.DataFrame
    """The pooled_rows rows of `robustness_table` for trainable_decades, one per norm."""
    bands: pd.DataFrame
    """The bands of `LandscapeData`, of one kind of step lengths: multiples of lr where there are any."""
    shifts: pd.DataFrame
    """norm, step; mean, low, high: over layers, of the ICS relative to the gradient, mean over seeds."""
    claims: pd.DataFrame
    """title, label, verdict, is_check of each statement."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn and no other figure has, by name."""
        return {"summary-accuracy": self.accuracy, "summary-ics": self.shifts, "summary-claims": self.claims}


def summary_data(results: Results, computed: Computed | None = None) -> SummaryData:
    """Gather what the panels show; `computed` is what `compute` returns for this configuration."""
    require_score(results.trials)
    computed = computed or compute(results)
    widths = pooled_rows(computed.tables.robustness, "trainable_decades")
    bands, walked = _bands(results)
    shifts, moved = _shifts(results)
    statements = computed.verdicts.statements
    norms = in_order(results.trials["norm"])
    overlaid = [norm for norm in norms if norm in SHOWN_FIRST] or norms[:3]
    opened = {"loss bands": bands["loss_open"], "gradient bands": bands["grad_diff_l2_open"]} if len(bands) else {}
    return SummaryData(
        title=width_headline(widths),
        subtitle="a: mean over initializations, band: range over seeds. b: pale where the grid leaves it open, line: "
        f"{100 * CONFIDENCE:.1f} % interval, from three seeds on. c, d: {walked}; min to max on a walk along the "
        f"gradient. e: {moved}; line: mean over layers, band: their range.{open_note(opened)}{_alone(overlaid, norms)} "
        f"f: a tile per statement, of claims {format_verdicts(statements)}.",
        norms=norms,
        overlaid=overlaid,
        lrs=sorted(results.trials["lr"].unique().tolist()),
        accuracy=_accuracy(results.trials),
        widths=widths,
        bands=bands,
        shifts=shifts,
        claims=statements[["title", "label", "verdict", "is_check"]],
    )


def _alone(overlaid: list[str], norms: list[str]) -> str:
    """Return of which modes bands are drawn, where it is not all; c and d show nothing else."""
    if len(overlaid) == len(norms):
        return ""
    return f" Bands, and so all of c and d, are of {', '.join(overlaid)} alone: more would hide each other."


def _accuracy(trials: pd.DataFrame) -> pd.DataFrame:
    """Return `SummaryData.accuracy`."""
    rows = trials[["norm", "lr", "seed"]].assign(accuracy=final_score(trials))
    by_seed = rows.groupby(["norm", "lr", "seed"])["accuracy"].mean()
    curves = by_seed.groupby(["norm", "lr"]).agg(["mean", "min", "max"]).reset_index()
    return curves.rename(columns={"min": "low", "max": "high"})


def _bands(results: Results) -> tuple[pd.DataFrame, str]:
    """Return the bands of the landscape, and where they were measured; none where they were not."""
    try:
        data = landscape_data(results)
    except InputError:
        return pd.DataFrame(), "not measured"
    kind = next(iter(data.lengths))
    return walks(data.bands, kind), f"at {reference_cell(results, 'landscape')}, {data.lengths[kind]}"


def _shifts(results: Results) -> tuple[pd.DataFrame, str]:
    """Return `SummaryData.shifts`, and where they were measured; none where they were not."""
    try:
        shifts = ics_data(results).shifts
    except InputError:
        return pd.DataFrame(), "not measured"
    by_step = shifts.groupby(["norm", "step"])["ics_relative_mean"].agg(["mean", "min", "max"]).reset_index()
    return by_step.rename(columns={"min": "low", "max": "high"}), f"at {reference_cell(results, 'ics')}"
