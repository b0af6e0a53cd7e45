"""The statements that the claims are made of: a few kinds, and the margins of 'no worse than'."""

from __future__ import annotations

from analysis.claims.measure_difference import MeasureDifference
from analysis.claims.prediction import Prediction
from analysis.claims.probe_contrast import ProbeContrast
from analysis.claims.statement import Side, Statement
from analysis.measures import MEASURES

ACCURACY_MARGIN = 0.015
"""'As good as': half of the 3 points of test accuracy that the paper has between BN and no normalization."""
ICS_MARGIN = 0.1
"""'Not reduced': by no more than 0.1 decades, a fifth; the paper's ICS spans several decades."""
COSINE_MARGIN = 0.05
"""'Not raised', for a cosine, which ends at 1."""
CORRELATION_MARGIN = 0.2
"""'Says nothing of': a rank correlation of less than this, of either sign, explains under 4 % of the variance."""
SMOOTHNESS, SHIFT = "gradient_change", "relative_ics"
"""What smoothness and ICS are correlated by."""


def measure_statement(
    label: str, text: str, measure: str, mode: str, baseline: str, figure: str, bound: float = 0.0, side: Side = "above"
) -> Statement:
    """State that a robustness measure of `mode` exceeds that of `baseline` by more than `bound`, or as `side` says."""
    effect = MeasureDifference(measure, mode, baseline)
    has_margin = measure == "best_accuracy"  # in points of accuracy
    return Statement(label, text, effect, side, bound, MEASURES[measure].unit, figure, is_of_accuracy=has_margin)


def as_good(mode: str, name: str) -> Statement:
    """State that a mode reaches the best accuracy of batch normalization."""
    label, text = f"best accuracy, {mode} - batch", f"{name} reaches BN's best accuracy, to within {ACCURACY_MARGIN}"
    return measure_statement(label, text, "best_accuracy", mode, "batch", "accuracy", -ACCURACY_MARGIN)


def wider(mode: str, name: str, measure: str, what: str) -> Statement:
    """State that a measure of robustness is larger for a mode than without normalization."""
    label, text = f"{what}, {mode} - none", f"{name}: more {what} than with no normalization"
    return measure_statement(label, text, measure, mode, "none", "accuracy")


def probe_statement(
    label: str, text: str, effect: ProbeContrast, side: Side, figure: str, bound: float = 0.0
) -> Statement:
    """State on which side of `bound` the contrast of two modes lies."""
    return Statement(label, text, effect, side, bound, effect.unit, figure)


def smooths(mode: str, name: str, quantity: str, what: str) -> Statement:
    """State that a mode lowers a quantity of the landscape at equal training loss, against no normalization."""
    label, text = f"{what}, {mode} / none", f"{name} lowers the {what} at equal training loss"
    return probe_statement(label, text, ProbeContrast(quantity, mode, "none"), "below", "landscape")


def lowers(mode: str, name: str, quantity: str, what: str, figure: str) -> Statement:
    """State that a mode lowers a quantity of the trial, against no normalization."""
    effect = ProbeContrast(quantity, mode, "none", at_equal_loss=False)
    sign = "/" if effect.unit == "log10 ratio" else "-"
    return probe_statement(f"{what}, {mode} {sign} none", f"{name} lowers the {what}", effect, "below", figure)


def correlates(text: str, effect: Prediction, side: Side, bound: float = 0.0) -> Statement:
    """State on which side of `bound` a correlation with accuracy lies."""
    where = "among the inits and gains of a mode" if effect.which == "within" else "among the modes at one cell"
    label = "their difference" if effect.minus else "smoothness" if effect.quantity == SMOOTHNESS else "low ICS"
    label, text = f"{label} with accuracy, {effect.which} modes", f"{text}, {where}"
    return Statement(label, text, effect, side, bound, "correlation", "explains", is_of_accuracy=True)
