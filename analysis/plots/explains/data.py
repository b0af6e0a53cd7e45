"""Does it explain the accuracy? Smoothness and internal covariate shift against the final accuracy of each trial.

The correlations are those of the claims (`analysis.claims.prediction`): at one learning rate, within a mode, among the
trials that learned, over inits and gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.claims.evidence import Evidence, gather_evidence
from analysis.claims.prediction import UNITS, Prediction
from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.measures.scores import NO_ACCURACY, final_score, has_accuracy, require_score
from analysis.plots.learned import has_learned
from analysis.statistics.correlation import MIN_TRIALS, MIN_UNITS
from analysis.statistics.intervals import CONFIDENCE
from analysis.statistics.mean_correlation import Correlation
from bnsweep.errors import InputError

ALL = "all modes"
SIGNS = {"gradient_change": -1, "relative_ics": -1, "ics_cosine": 1}
"""The quantities, and by which sign a correlation above 0 means that smoother, or less shifted, is more accurate."""


@dataclass(frozen=True, repr=False)
class ExplainsData:
    """Points and rank correlations of the quantities that the sweep has."""

    title: str
    subtitle: str
    norms: list[str]
    quantities: list[str]
    points: pd.DataFrame
    """norm, init, init_gain, lr, seed, accuracy, learned, and a column per quantity (sizes as log10): a row per
    trial."""
    correlations: pd.DataFrame
    """quantity, norm or `ALL`, correlation, low, high, units (inits or gains): of the trials that learned.

    Above 0 where smoother, or less shifted, is more accurate.
    """

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"explains": self.points, "explains-correlations": self.correlations}


def explains_data(results: Results) -> ExplainsData:
    """Compute the points and, within each mode and over all modes, the mean correlation with its interval.

    Raises:
        InputError: no trial has a measurement of the landscape or of ICS.
    """
    require_score(results.trials)
    if not has_accuracy(results.trials):
        raise InputError(NO_ACCURACY)
    evidence = gather_evidence(results)
    measured = _measured(evidence)
    trials = evidence.results.trials
    points = trials[["norm", "init", "init_gain", "lr", "seed"]].assign(
        accuracy=final_score(trials),
        learned=has_learned(evidence),
        **{name: values.reindex(trials["trial_key"]).to_numpy() for name, values in measured.items()},
    )
    rows = [{"quantity": name, "norm": norm} | row for name in measured for norm, row in _correlations(name, evidence)]
    correlations = pd.DataFrame(rows)
    return ExplainsData(
        title=_title(correlations),
        subtitle=_subtitle(points, correlations),
        norms=in_order(points["norm"]),
        quantities=list(measured),
        points=points.dropna(subset=["accuracy"]),
        correlations=correlations,
    )


def _measured(evidence: Evidence) -> dict[str, pd.Series[float]]:
    """Return each quantity that was measured, by trial_key."""
    found = {}
    for name in SIGNS:
        try:
            found[name] = evidence.measured.number(name)
        except InputError:
            continue
    if not found:
        raise InputError("no trial has a landscape or an ics measurement: the sweep file asks for neither probe")
    return found


def _correlations(name: str, evidence: Evidence) -> list[tuple[str, dict[str, object]]]:
    """Return the correlation over all modes together, as the claims have it, then within each mode."""
    prediction, nothing = Prediction(name, "within"), Correlation(float("nan"), 0, UNITS["within"])
    try:
        together = prediction(evidence)
    except InputError:
        together = nothing
    norms = evidence.grid.norms
    alone = [(norm, prediction.of_mode(evidence, k)) for k, norm in enumerate(norms)]
    shown = [(ALL, together), *alone] if len(norms) > 1 else alone
    return [(norm, _columns(found, -SIGNS[name])) for norm, found in shown]


def _columns(found: Correlation, sign: int) -> dict[str, object]:
    low, high = sorted(sign * end for end in found.interval(CONFIDENCE))
    return {"correlation": sign * found.value, "low": low, "high": high, "units": found.units}


def _subtitle(points: pd.DataFrame, correlations: pd.DataFrame) -> str:
    units, learned = int(correlations["units"].max()), int(points["learned"].sum())
    bars = f"Bars: {100 * CONFIDENCE:.1f} % intervals, which take {MIN_UNITS} inits and gains."
    here = f"and here are {units}" if units else f"a correlation {MIN_TRIALS}, and here are fewer"
    none = f"No intervals: they take {MIN_UNITS} inits or gains, whichever are fewer, {here}."
    return (
        f"A point per trial; open: the {len(points) - learned} of {len(points)} that did not learn or diverged, which "
        "no correlation takes in. Rank correlations are the claims': over inits and gains at one lr, which moves both "
        "axes, mean over lrs; right of 0 where smoother, or less shifted, is more accurate. "
        + (bars if np.isfinite(correlations["low"]).any() else none)
        + "\nDead networks have neither shift nor accuracy, and would feign a relation; but to look only at what "
        "learned can itself hide or make one: what is said holds for such trials alone."
    )


def _title(correlations: pd.DataFrame) -> str:
    """Return the correlation over all modes, of smoothness and of low ICS; of one mode alone, its."""
    first = correlations.groupby("quantity", sort=False).first()
    names = {"gradient_change": "smoothness", "relative_ics": "low relative ICS", "ics_cosine": "cosine of ICS"}
    known = first[first["correlation"].notna()]
    if known.empty:
        return "Too few inits and gains have learned for a correlation with accuracy within a mode"
    has_interval = bool(np.isfinite(known["low"]).any())
    parts = [f"{names[str(name)]} {_in_words(row)}" for name, row in known.iterrows()]
    text = f"Rank correlation with accuracy within a mode: {', '.join(parts)}"
    return text if has_interval else f"{text}; too few inits and gains for intervals"


def _in_words(row: pd.Series[float]) -> str:
    interval = f" ({row['low']:+.1f} to {row['high']:+.1f})" if np.isfinite(row["low"]) else ""
    return f"{row['correlation']:+.1f}{interval}"
