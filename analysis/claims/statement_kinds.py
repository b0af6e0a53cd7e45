"""The statements that the claims are made of: a few kinds, and the margins of 'no worse than'."""

from __future__ import annotations

from analysis.claims.measure_difference import MeasureDifference
from analysis.claims.prediction import Prediction, Which
from analysis.claims.probe_contrast import ProbeContrast
from analysis.claims.quantities import QUANTITIES
from analysis.claims.statement import Side, Statement
from analysis.measures import MEASURES

ACCURACY_MARGIN = 0.015
"""'As good as': half of the 3 points of test accuracy that the paper has between BN and no normalization."""
ICS_MARGIN = 0.1
"""'Not reduced': by no more than 0.1 decades, a fifth; the paper's ICS spans several decades."""
COSINE_MARGIN = 0.05
"""'Not raised', for a cosine, which ends at 1."""
CORRELATION_MARGIN = 0.2
"""'Does not predict': a rank correlation below this explains less than 4 % of the variance of ranks."""


def measure_statement(
    label: str, text: str, measure: str, mode: str, baseline: str, figure: str, bound: float = 0.0
) -> Statement:
    """State that a robustness measure of `mode` exceeds that of `baseline`, by more than `bound`."""
    effect = MeasureDifference(measure, mode, baseline)
    return Statement(label, text, effect, "above", bound, MEASURES[measure].unit, figure)


def as_good(mode: str, name: str) -> Statement:
    """State that a mode reaches the best accuracy of batch normalization."""
    label, text = f"best accuracy, {mode} - batch", f"{name} reaches BN's best accuracy, to within {ACCURACY_MARGIN}"
    return measure_statement(label, text, "best_accuracy", mode, "batch", "accuracy", -ACCURACY_MARGIN)


def probe_statement(
    label: str, text: str, quantity: str, mode: str, baseline: str, side: Side, figure: str, bound: float = 0.0
) -> Statement:
    """State on which side of `bound` a quantity of the probes lies, `mode` against `baseline`."""
    unit = "log10 ratio" if QUANTITIES[quantity].is_size else "cosine"
    return Statement(label, text, ProbeContrast(quantity, mode, baseline), side, bound, unit, figure)


def smooths(label: str, what: str, quantity: str, figure: str) -> Statement:
    """State that batch normalization lowers a quantity of the landscape."""
    return probe_statement(f"{label}, batch / none", f"BN lowers {what}", quantity, "batch", "none", "below", figure)


def predicts(which: Which, where: str) -> dict[str, Statement]:
    """State that smoothness goes with the final accuracy, and that low ICS does not."""
    smooth, ics = "gradient_difference", "ics"

    def statement(label: str, text: str, effect: Prediction, side: Side, bound: float = 0.0) -> Statement:
        return Statement(f"{label}, {which} modes", f"{text}, {where}", effect, side, bound, "correlation", "explains")

    return {
        f"smoothness_{which}": statement(
            "smoothness with accuracy", "Smoother is more accurate", Prediction(smooth, which), "above"
        ),
        f"ics_{which}": statement(
            "low ICS with accuracy",
            "Less ICS is not more accurate",
            Prediction(ics, which),
            "below",
            CORRELATION_MARGIN,
        ),
        f"smoothness_over_ics_{which}": statement(
            "their difference",
            "Smoothness goes with accuracy more than low ICS does",
            Prediction(smooth, which, ics),
            "above",
        ),
    }
