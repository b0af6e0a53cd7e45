"""The claims of Santurkar et al. 2018, each as statements fixed before any data were seen.

Directions and margins come from the paper and from what would matter, never from a sweep. A statement is supported or
contradicted only where its whole interval lies on one side of its bound; the statements of one claim share its error
of 5 % (Bonferroni), so that a claim of many parts is no easier to support.
"""

from __future__ import annotations

from analysis.claims.contrasts import MeasureDifference
from analysis.claims.prediction import Prediction, Which
from analysis.claims.probes import ProbeContrast
from analysis.claims.quantities import QUANTITIES
from analysis.claims.statement import Claim, Side, Statement
from analysis.robustness import MEASURES

ACCURACY_MARGIN = 0.015
"""'As good as': half of the 3 points of test accuracy that the paper has between BN and no normalization."""
ICS_MARGIN = 0.1
"""'Not reduced': by no more than 0.1 decades, a fifth; the paper's ICS spans several decades."""
COSINE_MARGIN = 0.05
"""'Not raised', for a cosine, which ends at 1."""
CORRELATION_MARGIN = 0.2
"""'Does not predict': a rank correlation below this explains less than 4 % of the variance of ranks."""


def _measure(
    label: str, text: str, measure: str, mode: str, baseline: str, figure: str, bound: float = 0.0
) -> Statement:
    effect = MeasureDifference(measure, mode, baseline)
    return Statement(label, text, effect, "above", bound, MEASURES[measure].unit, figure)


def _as_good(mode: str, name: str) -> Statement:
    label, text = f"best accuracy, {mode} - batch", f"{name} reaches BN's best accuracy, to within {ACCURACY_MARGIN}"
    return _measure(label, text, "best_accuracy", mode, "batch", "accuracy", -ACCURACY_MARGIN)


def _probe(
    label: str, text: str, quantity: str, mode: str, baseline: str, side: Side, figure: str, bound: float = 0.0
) -> Statement:
    unit = "log10 ratio" if QUANTITIES[quantity].is_size else "cosine"
    return Statement(label, text, ProbeContrast(quantity, mode, baseline), side, bound, unit, figure)


def _smooths(label: str, what: str, quantity: str, figure: str) -> Statement:
    return _probe(f"{label}, batch / none", f"BN lowers {what}", quantity, "batch", "none", "below", figure)


def _predicts(which: Which, where: str) -> dict[str, Statement]:
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


CLAIMS: dict[str, Claim] = {
    "robust": Claim(
        "BN widens the range of learning rates and initializations that train",
        "section 1; figure 1",
        {
            "lr_range": _measure(
                "decades of lr, batch - none",
                "BN trains over more decades of learning rate than no normalization",
                *("trainable_decades", "batch", "none", "accuracy"),
            ),
            "init_range": _measure(
                "share of inits, batch - none",
                "BN trains from a larger share of the initializations than no normalization",
                *("trained_inits", "batch", "none", "heatmap"),
            ),
        },
    ),
    "noisy": Claim(
        "BN with noise injected keeps the gain, though its activations shift more",
        "section 2.1; figures 2 and 8",
        {
            "noisy_range": _measure(
                "decades of lr, noisy_batch - none",
                "Noisy BN trains over more decades of learning rate than no normalization",
                *("trainable_decades", "noisy_batch", "none", "accuracy"),
            ),
            "noisy_accuracy": _as_good("noisy_batch", "Noisy BN"),
            "shift_over_batch": _probe(
                "activation shift, noisy_batch / batch",
                "Activations shift more with noisy BN than with BN",
                *("activation_shift", "noisy_batch", "batch", "above", "claims"),
            ),
            "shift_over_none": _probe(
                "activation shift, noisy_batch / none",
                "Activations shift more with noisy BN than with no normalization",
                *("activation_shift", "noisy_batch", "none", "above", "claims"),
            ),
        },
    ),
    "ics": Claim(
        "BN does not reduce internal covariate shift (ICS)",
        "section 2.2; figure 3",
        {
            "ics_size": _probe(
                "ICS, batch / none",
                f"ICS with BN is no smaller than without, to within {ICS_MARGIN} decades",
                *("ics", "batch", "none", "above", "ics", -ICS_MARGIN),
            ),
            "ics_relative": _probe(
                "ICS relative to gradient, batch / none",
                f"ICS relative to the gradient is no smaller with BN, to within {ICS_MARGIN} decades",
                *("relative_ics", "batch", "none", "above", "ics", -ICS_MARGIN),
            ),
            "ics_cosine": _probe(
                "ICS cosine, batch - none",
                f"The cosine of ICS is no closer to 1 with BN, to within {COSINE_MARGIN}",
                *("ics_cosine", "batch", "none", "below", "ics", COSINE_MARGIN),
            ),
        },
    ),
    "smooth": Claim(
        "BN smooths the loss landscape",
        "section 3.2; figure 4",
        {
            "loss_band": _smooths("loss band", "the width of the loss band", "loss_band", "landscape"),
            "gradient_difference": _smooths(
                "gradient difference", "the gradient difference", "gradient_difference", "landscape"
            ),
            "beta_level": _smooths("beta, level", "the level of the effective beta", "beta_level", "explains"),
            "beta_spikes": _smooths(
                "beta, spikes over level", "the spikes of the effective beta over its level", "beta_spikes", "claims"
            ),
        },
    ),
    "lp": Claim(
        "l1, l2 and linf normalization do as well as BN",
        "section 3.3; figure 5",
        {f"{mode}_accuracy": _as_good(mode, mode) for mode in ("l1", "l2", "linf")},
    ),
    "predicts": Claim(
        "Smoothness goes with performance, ICS does not",
        "sections 2 and 3",
        _predicts("within", "among the trials of a mode") | _predicts("across", "among the modes at one configuration"),
    ),
}
"""Every claim by name."""
