"""The Arrow schema of every table, each column with its unit and meaning.

Those that several tables share are in `columns.py`. Changes only ever add columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from bnsweep.results.columns import (
    AXIS_COLUMNS,
    KEY,
    LABEL,
    LAYER,
    LOSS_UNIT,
    STEP,
    column,
    evaluation_columns,
    table,
)
from bnsweep.spec.trial import AXES as AXES
from bnsweep.spec.trial import NORM_NAMES as NORM_NAMES

Row = Mapping[str, Any]


def _landscape(prefix: str, lengths: str) -> tuple[pa.Field, ...]:
    """Return the columns of the trials that sum up the walks over one kind of step lengths."""
    loss_range = f"median over steps of the loss's max - min along the gradient, {lengths}"
    return (
        column(f"{prefix}_loss_range", pa.float64(), loss_range, LOSS_UNIT),
        column(f"{prefix}_grad_diff", pa.float64(), f"median over steps of the largest gradient difference, {lengths}"),
        column(f"{prefix}_beta", pa.float64(), f"median over steps of the largest effective beta, {lengths}"),
    )


TRIALS = table(
    "trials",
    KEY,
    column("sweep", LABEL, "name of the sweep that ran the trial"),
    column("status", LABEL, "completed, diverged, or pruned: stopped on the way, since others were better there"),
    column("stop_step", pa.int64(), "updates made when the trial ended", "updates"),
    column("stop_reason", pa.string(), "why a trial that was not completed ended; else null"),
    column("pruner", LABEL, "the rule that stopped a pruned trial, after stop_step updates, JSON; else null"),
    *AXIS_COLUMNS,
    column("model", LABEL, "name of the model"),
    column("model_options", pa.string(), "the model's other fields, JSON"),
    column("dataset", LABEL, "name of the dataset"),
    column("dataset_options", pa.string(), "the dataset's other fields, JSON"),
    column("steps", pa.int64(), "updates that the spec asks for", "updates"),
    column("batch_size", pa.int64(), "samples in a mini-batch", "samples"),
    column("loss", LABEL, "name of the loss that is minimized"),
    column("label_smoothing", pa.float64(), "label smoothing of the loss that is minimized; test losses are without"),
    column("mse_reduction", LABEL, "of loss mse: mean or sum over samples and outputs"),
    column("optimizer", LABEL, "name of the optimizer"),
    column("momentum", pa.float64(), "momentum of SGD"),
    column("nesterov", pa.bool_(), "whether the momentum is Nesterov's; null in an earlier version's rows: it is not"),
    column("betas", LABEL, "decay rates of Adam's and AdamW's moments, JSON; null in an earlier version's rows"),
    column("weight_decay", pa.float64(), "weight decay: added to the gradient, of adamw decoupled"),
    column("clip_norm", pa.float64(), "l2 norm of the gradient above which it is scaled down to it; null: none"),
    column("schedule", LABEL, "name of the learning rate's schedule; null in an earlier version's rows: constant"),
    column("step_at", LABEL, "shares of the steps at which schedule step lowers the rate, JSON"),
    column("step_factor", pa.float64(), "what schedule step multiplies the rate by there"),
    column("warmup", pa.float64(), "steps of warm-up; below 1 a share of all steps"),
    column("max_loss", pa.float64(), "mini-batch loss above which the trial counts as diverged", LOSS_UNIT),
    column("log_every", pa.int64(), "steps from one row in curves to the next", "updates"),
    column("eval_every", pa.int64(), "steps from one evaluation to the next; null: at the end only", "updates"),
    column("log_curves", LABEL, "what curves holds of it: all, or summary; null in an earlier version's rows: all"),
    column("compile", pa.bool_(), "whether the training step was compiled"),
    column("augment", LABEL, "what is done to mini-batches at random, JSON"),
    column("precision", LABEL, "in which training computes: float32, float64, bf16 (autocast) or tf32"),
    column("fuse", pa.int64(), "how many trials trained as one; null in an earlier version's rows: 1"),
    column("trial", LABEL, "the function of the user's own that trained it; null: bnsweep's own loop"),
    column("trial_options", pa.string(), "what the sweep file gave that function, JSON; else null"),
    column("metric_name", LABEL, "name of the number that the function reports; else null"),
    column("metric_mode", LABEL, "which of two such numbers is the better, min or max; else null"),
    column("metric", pa.float64(), "the number that the function reports, in its unit; null unless completed"),
    column("probes", pa.string(), "the probes and their schedules, JSON"),
    column(
        "num_classes",
        pa.int32(),
        "classes of the dataset; 1/num_classes is chance; null: real targets, without accuracy",
        "classes",
    ),
    column("train_loss", pa.float64(), "mean mini-batch loss over the last epoch; null unless completed", LOSS_UNIT),
    column(
        "train_acc", pa.float64(), "mean mini-batch accuracy over the last epoch; null unless completed", "fraction"
    ),
    *evaluation_columns("unless completed"),
    column(
        "train_loss_eval",
        pa.float64(),
        "as test_loss, but on as many samples of the training set (all if it has fewer), drawn by the seed",
        LOSS_UNIT,
    ),
    column("train_acc_eval", pa.float64(), "as test_acc, but on those samples", "fraction"),
    column(
        "test_loss_constant",
        pa.float64(),
        "with real targets the test loss of always giving the mean target of the training set; else null",
        LOSS_UNIT,
    ),
    *_landscape("landscape", "at multiples of lr"),
    *_landscape("landscape_alpha", "at absolute step lengths"),
    column("ics_l2", pa.float64(), "median over steps and layers but the first of the ICS"),
    column("ics_cos", pa.float64(), "median over steps and layers but the first of the ICS cosine"),
    column("sharpness", pa.float64(), "median over steps of the largest Hessian eigenvalue"),
    column("lowest_eigenvalue", pa.float64(), "median over steps of the lowest Hessian eigenvalue"),
    column(
        "adaptive_sharpness", pa.float64(), "of the trained model, as in flatness/; null unless completed, or unknown"
    ),
    column("edge_ratio", pa.float64(), "median over steps of optimizer_sharpness / stability_limit"),
    column("moments_mean_shift", pa.float64(), "median over steps and layers of mean_shift"),
    column("moments_std_shift", pa.float64(), "median over steps and layers of std_shift"),
    column("effective_lr", pa.float64(), "median over steps and layers of effective_lr, see the table layers"),
    column("relative_update", pa.float64(), "median over steps and layers of ||update|| / ||w||"),
    column("wall_time_s", pa.float64(), "time that the trial took, probes included", "s"),
    column("probe_time_s", pa.float64(), "time that its probes took", "s"),
    column(
        "peak_memory_bytes", pa.int64(), "most memory in use: of the device on a GPU, of the process on a CPU", "bytes"
    ),
    column("device", LABEL, "what it ran on: cpu, or the GPU's name"),
    column("host", LABEL, "name of the machine that it ran on"),
    column("attempt", pa.int32(), "1 for the first try"),
    column("started_at", pa.timestamp("us", tz="UTC"), "when the trial started"),
    column("git_sha", LABEL, "commit of the code, '-dirty' after it if changed; null outside a checkout"),
    column("versions", LABEL, "versions of python, torch, numpy and bnsweep, JSON"),
    column("spec", pa.string(), "the whole spec, JSON"),
    column(
        "data_sha256", LABEL, "sha256 of the data it trained on; null: the spec says all of it, or an earlier version"
    ),
    column("semantics_version", pa.int32(), "version of what a spec means; null: 3 or an earlier one"),
    column(
        "code_sha256",
        LABEL,
        "digest of the user's own modules that it ran, without their comments; null: none, installed, or an earlier "
        "version",
    ),
)

CURVES = table(
    "curves",
    KEY,
    *AXIS_COLUMNS,
    STEP,
    column("train_loss", pa.float64(), "loss of the step's mini-batch before the update", LOSS_UNIT),
    column("train_acc", pa.float64(), "accuracy on the step's mini-batch before the update", "fraction"),
    *evaluation_columns("between evaluations"),
    column("grad_norm", pa.float64(), "l2 norm of the gradient of all parameters, before it is clipped"),
    column("step_lr", pa.float64(), "learning rate of the step, by warm-up and schedule; null after the last step"),
)

LANDSCAPE = table(
    "landscape",
    KEY,
    *AXIS_COLUMNS,
    STEP,
    column("lr_multiple", pa.float64(), "alpha / the step's learning rate"),
    column("alpha", pa.float64(), "step length: the loss is taken at w - alpha g"),
    column("loss", pa.float64(), "loss of the same mini-batch at w - alpha g", LOSS_UNIT),
    column("grad_diff_l2", pa.float64(), "||g(w - alpha g) - g(w)||"),
    column("grad_norm", pa.float64(), "||g(w)||"),
    column("beta", pa.float64(), "effective beta: grad_diff_l2 / (alpha grad_norm)"),
    column("given_as", LABEL, "how the sweep file asks for the step length: lr_multiple or alpha"),
)

ICS = table(
    "ics",
    KEY,
    *AXIS_COLUMNS,
    STEP,
    *LAYER,
    column("ics_l2", pa.float64(), "||G - G'|| of Definition 2.1"),
    column("ics_cos", pa.float64(), "cosine of the angle between G and G'"),
    column("grad_norm", pa.float64(), "||G||, over the layer's weights"),
)

_EIGENVALUES = (
    column("lowest_eigenvalue", pa.float64(), "lowest eigenvalue that the products showed: the true one is no higher"),
    column("lowest_bound", pa.float64(), "what the lowest eigenvalue is below with failure_probability only"),
    column("failure_probability", pa.float64(), "of each bound, over the random start"),
    column("reason", pa.string(), "why an eigenvalue is not finite; else null"),
)

CURVATURE = table(
    "curvature",
    KEY,
    *AXIS_COLUMNS,
    STEP,
    column("sharpness", pa.float64(), "largest eigenvalue of the Hessian of the mini-batch loss in train mode"),
    column("two_over_lr", pa.float64(), "2 / the step's learning rate, plain gradient descent's edge"),
    column("tolerance", pa.float64(), "relative tolerance of sharpness"),
    column("num_hvps", pa.int32(), "Hessian-vector products that it took"),
    *_EIGENVALUES,
    column("sharpness_bound", pa.float64(), "what the largest eigenvalue exceeds with failure_probability only"),
    column(
        "optimizer_sharpness",
        pa.float64(),
        "largest eigenvalue of P^-1 (H + decay I), P: the optimizer's preconditioner, decay: what it adds to the "
        "gradient; null where stability_limit is",
    ),
    column(
        "stability_limit",
        pa.float64(),
        "optimizer_sharpness above which training on full batches is unstable; null where no such limit holds",
    ),
)

FLATNESS = table(
    "flatness",
    KEY,
    *AXIS_COLUMNS,
    STEP,
    column(
        "adaptive_sharpness",
        pa.float64(),
        "largest eigenvalue of |w| H |w|, H: the Hessian of the loss of the trained model in eval mode",
    ),
    column(
        "adaptive_sharpness_bound", pa.float64(), "what the largest eigenvalue exceeds with failure_probability only"
    ),
    column("tolerance", pa.float64(), "relative tolerance of adaptive_sharpness"),
    column("samples", pa.int64(), "of the training set, that the loss is taken on", "samples"),
    column("num_hvps", pa.int32(), "Hessian-vector products that it took"),
    *_EIGENVALUES,
)

MOMENTS = table(
    "moments",
    KEY,
    *AXIS_COLUMNS,
    STEP,
    *LAYER,
    column("mean", pa.float64(), "mean over units of the unit's mean over the mini-batch"),
    column("std", pa.float64(), "mean over units of the unit's standard deviation over the mini-batch"),
    column(
        "mean_shift",
        pa.float64(),
        "root mean square over units of the mean's change since the last probe; null at the first",
    ),
    column(
        "std_shift",
        pa.float64(),
        "root mean square over units of the std's change since the last probe; null at the first",
    ),
    column("pre_mean", pa.float64(), "mean, of what enters the normalization"),
    column("pre_std", pa.float64(), "std, of what enters the normalization"),
    column("pre_mean_shift", pa.float64(), "mean_shift, of what enters the normalization; null at the first"),
    column("pre_std_shift", pa.float64(), "std_shift, of what enters the normalization; null at the first"),
)

LAYERS = table(
    "layers",
    KEY,
    *AXIS_COLUMNS,
    STEP,
    *LAYER,
    column("weight_norm", pa.float64(), "||w|| before the step; w is the weight tensor, v where it is g v / ||v||"),
    column("grad_norm", pa.float64(), "||g||, the step's gradient with respect to w, before weight decay and clipping"),
    column("update_norm", pa.float64(), "||w after the step - w||, by momentum and weight decay too"),
    column("relative_update", pa.float64(), "update_norm / weight_norm"),
    column(
        "effective_lr",
        pa.float64(),
        "of sgd lr / ((1 - momentum) weight_norm^2), the learning rate of w's direction before a normalization, lr: "
        "the step's, times what clipping multiplied the gradient by; of any other optimizer relative_update",
    ),
)

FAILURES = table(
    "failures",
    KEY,
    column("attempt", pa.int32(), "1 for the first try"),
    column("error", pa.string(), "type and message of the error, and the line of the user's own code that raised it"),
    column("traceback", pa.string(), "where it was raised"),
    column("log", pa.string(), "path of the worker's log on its machine"),
    column("host", pa.string(), "name of the machine"),
    column("failed_at", pa.timestamp("us", tz="UTC"), "when"),
    column("log_tail", pa.string(), "end of what the trial's worker wrote and printed, 64 KiB at most; null: unknown"),
    column("spec", pa.string(), "the whole spec, JSON"),
)

SCHEMAS: dict[str, pa.Schema] = {
    "trials": TRIALS,
    "curves": CURVES,
    "landscape": LANDSCAPE,
    "ics": ICS,
    "moments": MOMENTS,
    "layers": LAYERS,
    "curvature": CURVATURE,
    "flatness": FLATNESS,
    "failures": FAILURES,
}
"""Every table by name."""

METRIC_TABLES = ("curves", "landscape", "ics", "moments", "layers", "curvature", "flatness")
"""The tables that are committed before `trials`."""
