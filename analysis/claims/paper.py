"""The claims of the paper, and the checks that its experiments did what they are meant to."""

from __future__ import annotations

from analysis.claims.prediction import Prediction, Which
from analysis.claims.probe_contrast import ProbeContrast
from analysis.claims.statement import Claim, Statement
from analysis.claims.statement_kinds import (
    ACCURACY_MARGIN,
    CORRELATION_MARGIN,
    COSINE_MARGIN,
    ICS_MARGIN,
    SHIFT,
    SMOOTHNESS,
    as_good,
    correlates,
    lowers,
    measure_statement,
    probe_statement,
    smooths,
    wider,
)

AREA = "mean accuracy over log lr"
CHANGE = "relative gradient change"


def _shift_over(baseline: str, what: str) -> Statement:
    effect = ProbeContrast("activation_shift", "noisy_batch", baseline, at_equal_loss=False)
    text = f"Activations shift more with noisy BN than with {what}"
    return probe_statement(f"activation shift, noisy_batch / {baseline}", text, effect, "above", "moments")


def _predicts(which: Which) -> dict[str, Statement]:
    return {
        f"smoothness_{which}": correlates("Smoother is more accurate", Prediction(SMOOTHNESS, which), "above"),
        f"ics_{which}": correlates(
            f"ICS says nothing of accuracy, to within {CORRELATION_MARGIN}",
            Prediction(SHIFT, which),
            "within",
            CORRELATION_MARGIN,
        ),
    }


def _smoothness_over_ics(which: Which) -> Statement:
    text = "Smoothness goes with accuracy more than low ICS does"
    return correlates(text, Prediction(SMOOTHNESS, which, SHIFT), "above")


CLAIMS: dict[str, Claim] = {
    "lr_range": Claim(
        "BN widens the range of learning rates that train",
        "section 1; figure 1",
        {
            "lr_area": wider("batch", "BN", "mean_accuracy", AREA),
            "lr_range": wider("batch", "BN", "trainable_decades", "decades of learning rate that train"),
        },
    ),
    "init_range": Claim(
        "BN makes training robust to the initialization",
        "section 1",
        {
            "init_range": measure_statement(
                "share of inits, batch - none",
                "BN trains from a larger share of the initializations than no normalization",
                *("trained_inits", "batch", "none", "heatmap"),
            ),
            "init_worst": measure_statement(
                "worst init, batch - none",
                f"BN: more {AREA} from the worst of the initializations than with no normalization",
                *("worst_init", "batch", "none", "heatmap"),
            ),
        },
    ),
    "noisy": Claim(
        "BN with noise injected keeps the gain",
        "section 2.1; figures 2 and 8",
        {
            "noisy_area": wider("noisy_batch", "Noisy BN", "mean_accuracy", AREA),
            "noisy_accuracy": as_good("noisy_batch", "Noisy BN"),
        },
    ),
    "noisy_range": Claim(
        "BN with noise injected widens the range of learning rates, and smooths",
        "sections 2.1 and 3",
        {
            "noisy_range": wider("noisy_batch", "Noisy BN", "trainable_decades", "decades of learning rate that train"),
            "noisy_smooth": smooths("noisy_batch", "Noisy BN", SMOOTHNESS, CHANGE),
        },
    ),
    "ics": Claim(
        "BN does not reduce internal covariate shift (ICS)",
        "section 2.2; figure 3",
        {
            "ics_relative": probe_statement(
                "relative ICS, batch / none",
                f"ICS relative to the gradient is no smaller with BN, to within {ICS_MARGIN} decades",
                *(ProbeContrast("relative_ics", "batch", "none"), "above", "ics", -ICS_MARGIN),
            ),
            "ics_cosine": probe_statement(
                "ICS cosine, batch - none",
                f"The cosine of ICS is no closer to 1 with BN, to within {COSINE_MARGIN}",
                *(ProbeContrast("ics_cosine", "batch", "none"), "below", "ics", COSINE_MARGIN),
            ),
        },
    ),
    "smooth": Claim(
        "BN smooths the loss landscape",
        "section 3.2; figure 4",
        {
            "gradient_change": smooths("batch", "BN", SMOOTHNESS, CHANGE),
            "loss_band": smooths("batch", "BN", "loss_band", "width of the loss band"),
        },
    ),
    "steady": Claim(
        "BN keeps the smoothness steady during training",
        "section 3.2; figure 4c",
        {"beta_spikes": lowers("batch", "BN", "beta_spikes", "spikes of beta over its level", "landscape")},
    ),
    "flat": Claim(
        "BN leads to flatter minima, which generalize better",
        "section 3.2, by way of conjecture",
        {
            "flatness": lowers("batch", "BN", "adaptive_sharpness", "adaptive sharpness at the end", "flatness"),
            "gap": lowers("batch", "BN", "generalization_gap", "gap between test and training loss", "flatness"),
        },
    ),
    "lp_accuracy": Claim(
        "l1 and linf normalization do as well as BN",
        "section 3.3; figure 5",
        {f"{mode}_accuracy": as_good(mode, mode) for mode in ("l1", "linf")},
    ),
    "lp_range": Claim(
        "l1 and linf normalization widen the range of learning rates that train",
        "section 3.3",
        {f"{mode}_area": wider(mode, mode, "mean_accuracy", AREA) for mode in ("l1", "linf")},
    ),
    "lp_smooth": Claim(
        "l1 and linf normalization smooth the loss landscape",
        "section 3.3; figures 12 and 13",
        {f"{mode}_smooth": smooths(mode, mode, SMOOTHNESS, CHANGE) for mode in ("l1", "linf")},
    ),
    "predicts_within": Claim(
        "Smoothness goes with performance, ICS does not: within a mode", "sections 2 and 3", _predicts("within")
    ),
    "predicts_across": Claim(
        "Smoothness goes with performance, ICS does not: from mode to mode", "sections 2 and 3", _predicts("across")
    ),
    "predicts_more": Claim(
        "Smoothness tells more of performance than ICS does",
        "sections 2 and 3",
        {f"smoothness_over_ics_{which}": _smoothness_over_ics(which) for which in ("within", "across")},
    ),
    "noise_works": Claim(
        "Injected noise makes the activations shift",
        "section 2.1; figure 2",
        {"shift_over_batch": _shift_over("batch", "BN"), "shift_over_none": _shift_over("none", "no normalization")},
        is_check=True,
    ),
    "l2_is_batch": Claim(
        "l2 normalization is batch normalization in training",
        "by definition",
        {
            "l2_accuracy": measure_statement(
                "best accuracy, l2 - batch",
                f"l2 and batch reach the same accuracy, to within {ACCURACY_MARGIN}",
                *("best_accuracy", "l2", "batch", "accuracy", ACCURACY_MARGIN, "within"),
            )
        },
        is_check=True,
    ),
}
"""Every claim and check by name."""
