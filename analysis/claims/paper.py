"""The claims of the paper."""

from __future__ import annotations

from analysis.claims.statement import Claim
from analysis.claims.statement_kinds import (
    COSINE_MARGIN,
    ICS_MARGIN,
    as_good,
    measure_statement,
    predicts,
    probe_statement,
    smooths,
)

CLAIMS: dict[str, Claim] = {
    "robust": Claim(
        "BN widens the range of learning rates and initializations that train",
        "section 1; figure 1",
        {
            "lr_range": measure_statement(
                "decades of lr, batch - none",
                "BN trains over more decades of learning rate than no normalization",
                *("trainable_decades", "batch", "none", "accuracy"),
            ),
            "init_range": measure_statement(
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
            "noisy_range": measure_statement(
                "decades of lr, noisy_batch - none",
                "Noisy BN trains over more decades of learning rate than no normalization",
                *("trainable_decades", "noisy_batch", "none", "accuracy"),
            ),
            "noisy_accuracy": as_good("noisy_batch", "Noisy BN"),
            "shift_over_batch": probe_statement(
                "activation shift, noisy_batch / batch",
                "Activations shift more with noisy BN than with BN",
                *("activation_shift", "noisy_batch", "batch", "above", "claims"),
            ),
            "shift_over_none": probe_statement(
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
            "ics_size": probe_statement(
                "ICS, batch / none",
                f"ICS with BN is no smaller than without, to within {ICS_MARGIN} decades",
                *("ics", "batch", "none", "above", "ics", -ICS_MARGIN),
            ),
            "ics_relative": probe_statement(
                "ICS relative to gradient, batch / none",
                f"ICS relative to the gradient is no smaller with BN, to within {ICS_MARGIN} decades",
                *("relative_ics", "batch", "none", "above", "ics", -ICS_MARGIN),
            ),
            "ics_cosine": probe_statement(
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
            "loss_band": smooths("loss band", "the width of the loss band", "loss_band", "landscape"),
            "gradient_difference": smooths(
                "gradient difference", "the gradient difference", "gradient_difference", "landscape"
            ),
            "beta_level": smooths("beta, level", "the level of the effective beta", "beta_level", "explains"),
            "beta_spikes": smooths(
                "beta, spikes over level", "the spikes of the effective beta over its level", "beta_spikes", "claims"
            ),
        },
    ),
    "lp": Claim(
        "l1, l2 and linf normalization do as well as BN",
        "section 3.3; figure 5",
        {f"{mode}_accuracy": as_good(mode, mode) for mode in ("l1", "l2", "linf")},
    ),
    "predicts": Claim(
        "Smoothness goes with performance, ICS does not",
        "sections 2 and 3",
        predicts("within", "among the trials of a mode") | predicts("across", "among the modes at one cell"),
    ),
}
"""Every claim by name."""
