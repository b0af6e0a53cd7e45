"""The Arrow schema of every table, each column with its unit and meaning.

Changes only ever add columns. `SCHEMA_VERSION` is in the metadata of each file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from bnsweep.spec.trial import AXES as AXES
from bnsweep.spec.trial import NORM_NAMES as NORM_NAMES

SCHEMA_VERSION = 3

Row = Mapping[str, Any]

LABEL = pa.dictionary(pa.int32(), pa.string())


def _column(name: str, kind: pa.DataType, meaning: str, unit: str = "") -> pa.Field:
    return pa.field(name, kind, metadata={"meaning": meaning, "unit": unit})


def _table(name: str, *columns: pa.Field) -> pa.Schema:
    return pa.schema(columns, metadata={"table": name, "schema_version": str(SCHEMA_VERSION)})


def _test_columns(when: str) -> Iterator[pa.Field]:
    """Yield the columns of an evaluation, which are null `when`."""
    for suffix, statistics in (
        ("", "normalization statistics taken anew"),
        ("_running", "the running ones of training"),
    ):
        for name, what, unit in (("loss", "loss", "nats"), ("acc", "accuracy", "fraction")):
            meaning = f"{what} in eval mode on the test set, with {statistics}; null {when}"
            yield _column(f"test_{name}{suffix}", pa.float64(), meaning, unit)


_KEY = _column(
    "trial_key", pa.string(), "names the trial: a hash of its spec"
)  # as a category it would not sort as text
_AXIS_COLUMNS = (
    _column("norm", LABEL, "normalization mode"),
    _column("init", LABEL, "initializer of the weights"),
    _column("init_gain", pa.float64(), "factor on the initial weights"),
    _column("lr", pa.float64(), "learning rate"),
    _column("seed", pa.int64(), "fixes data order, initial weights before gain, and noise"),
)
_STEP = _column("step", pa.int64(), "updates made before this measurement", "updates")
_LAYER = (
    _column("layer", pa.int32(), "layers with weights, counted from 0 at the input"),
    _column("layer_name", LABEL, "name of the layer in the model"),
)


def _landscape(prefix: str, lengths: str) -> tuple[pa.Field, ...]:
    """Return the columns of the trials that sum up the walks over one kind of step lengths."""
    loss_range = f"median over steps of the loss's max - min along the gradient, {lengths}"
    return (
        _column(f"{prefix}_loss_range", pa.float64(), loss_range, "nats"),
        _column(
            f"{prefix}_grad_diff", pa.float64(), f"median over steps of the largest gradient difference, {lengths}"
        ),
        _column(f"{prefix}_beta", pa.float64(), f"median over steps of the largest effective beta, {lengths}"),
    )


TRIALS = _table(
    "trials",
    _KEY,
    _column("sweep", LABEL, "name of the sweep that ran the trial"),
    _column("status", LABEL, "completed, diverged or pruned"),
    _column("stop_step", pa.int64(), "updates made when the trial ended", "updates"),
    _column("stop_reason", pa.string(), "why a trial that was not completed ended; else null"),
    *_AXIS_COLUMNS,
    _column("model", LABEL, "name of the model"),
    _column("model_options", pa.string(), "the model's other fields, JSON"),
    _column("dataset", LABEL, "name of the dataset"),
    _column("dataset_options", pa.string(), "the dataset's other fields, JSON"),
    _column("steps", pa.int64(), "updates that the spec asks for", "updates"),
    _column("batch_size", pa.int64(), "samples in a mini-batch", "samples"),
    _column("optimizer", LABEL, "name of the optimizer"),
    _column("momentum", pa.float64(), "momentum of SGD"),
    _column("weight_decay", pa.float64(), "weight decay of the optimizer"),
    _column("max_loss", pa.float64(), "mini-batch loss above which the trial counts as diverged", "nats"),
    _column("log_every", pa.int64(), "steps from one row in curves to the next", "updates"),
    _column("eval_every", pa.int64(), "steps from one evaluation to the next; null: at the end only", "updates"),
    _column("compile", pa.bool_(), "whether the training step was compiled"),
    _column("probes", pa.string(), "the probes and their schedules, JSON"),
    _column("num_classes", pa.int32(), "classes of the dataset; 1/num_classes is chance", "classes"),
    _column("train_loss", pa.float64(), "mean mini-batch loss over the last epoch; null if diverged", "nats"),
    _column("train_acc", pa.float64(), "mean mini-batch accuracy over the last epoch; null if diverged", "fraction"),
    *_test_columns("if diverged"),
    _column(
        "train_loss_eval",
        pa.float64(),
        "as test_loss, but on as many samples of the training set (all if it has fewer), drawn by the seed",
        "nats",
    ),
    _column("train_acc_eval", pa.float64(), "as test_acc, but on those samples", "fraction"),
    *_landscape("landscape", "at multiples of lr"),
    *_landscape("landscape_alpha", "at absolute step lengths"),
    _column("ics_l2", pa.float64(), "median over steps and layers but the first of the ICS"),
    _column("ics_cos", pa.float64(), "median over steps and layers but the first of the ICS cosine"),
    _column("sharpness", pa.float64(), "median over steps of the largest Hessian eigenvalue"),
    _column("lowest_eigenvalue", pa.float64(), "median over steps of the lowest Hessian eigenvalue"),
    _column("adaptive_sharpness", pa.float64(), "of the trained model, as in flatness/; null if diverged or not known"),
    _column("edge_ratio", pa.float64(), "median over steps of optimizer_sharpness / stability_limit"),
    _column("moments_mean_shift", pa.float64(), "median over steps and layers of mean_shift"),
    _column("moments_std_shift", pa.float64(), "median over steps and layers of std_shift"),
    _column("effective_lr", pa.float64(), "median over steps and layers of effective_lr, see the table layers"),
    _column("relative_update", pa.float64(), "median over steps and layers of ||update|| / ||w||"),
    _column("wall_time_s", pa.float64(), "time that the trial took, probes included", "s"),
    _column("probe_time_s", pa.float64(), "time that its probes took", "s"),
    _column(
        "peak_memory_bytes", pa.int64(), "most memory in use: of the device on a GPU, of the process on a CPU", "bytes"
    ),
    _column("device", LABEL, "what it ran on: cpu, or the GPU's name"),
    _column("host", LABEL, "name of the machine that it ran on"),
    _column("attempt", pa.int32(), "1 for the first try"),
    _column("started_at", pa.timestamp("us", tz="UTC"), "when the trial started"),
    _column("git_sha", LABEL, "commit of the code, '-dirty' after it if changed; null outside a checkout"),
    _column("versions", LABEL, "versions of python, torch, numpy and bnsweep, JSON"),
    _column("spec", pa.string(), "the whole spec, JSON"),
    _column("semantics_version", pa.int32(), "version of what a spec means; null: 3 or an earlier one"),
)

CURVES = _table(
    "curves",
    _KEY,
    *_AXIS_COLUMNS,
    _STEP,
    _column("train_loss", pa.float64(), "loss of the step's mini-batch before the update", "nats"),
    _column("train_acc", pa.float64(), "accuracy on the step's mini-batch before the update", "fraction"),
    *_test_columns("between evaluations"),
    _column("grad_norm", pa.float64(), "l2 norm of the gradient of all parameters"),
)

LANDSCAPE = _table(
    "landscape",
    _KEY,
    *_AXIS_COLUMNS,
    _STEP,
    _column("lr_multiple", pa.float64(), "alpha / lr"),
    _column("alpha", pa.float64(), "step length: the loss is taken at w - alpha g"),
    _column("loss", pa.float64(), "loss of the same mini-batch at w - alpha g", "nats"),
    _column("grad_diff_l2", pa.float64(), "||g(w - alpha g) - g(w)||"),
    _column("grad_norm", pa.float64(), "||g(w)||"),
    _column("beta", pa.float64(), "effective beta: grad_diff_l2 / (alpha grad_norm)"),
    _column("given_as", LABEL, "how the sweep file asks for the step length: lr_multiple or alpha"),
)

ICS = _table(
    "ics",
    _KEY,
    *_AXIS_COLUMNS,
    _STEP,
    *_LAYER,
    _column("ics_l2", pa.float64(), "||G - G'|| of Definition 2.1"),
    _column("ics_cos", pa.float64(), "cosine of the angle between G and G'"),
    _column("grad_norm", pa.float64(), "||G||, over the layer's weights"),
)

_EIGENVALUES = (
    _column("lowest_eigenvalue", pa.float64(), "lowest eigenvalue that the products showed: the true one is no higher"),
    _column("lowest_bound", pa.float64(), "what the lowest eigenvalue is below with failure_probability only"),
    _column("failure_probability", pa.float64(), "of each bound, over the random start"),
    _column("reason", pa.string(), "why an eigenvalue is not finite; else null"),
)

CURVATURE = _table(
    "curvature",
    _KEY,
    *_AXIS_COLUMNS,
    _STEP,
    _column("sharpness", pa.float64(), "largest eigenvalue of the Hessian of the mini-batch loss in train mode"),
    _column("two_over_lr", pa.float64(), "2/lr, the edge of stability of plain gradient descent"),
    _column("tolerance", pa.float64(), "relative tolerance of sharpness"),
    _column("num_hvps", pa.int32(), "Hessian-vector products that it took"),
    *_EIGENVALUES,
    _column("sharpness_bound", pa.float64(), "what the largest eigenvalue exceeds with failure_probability only"),
    _column(
        "optimizer_sharpness",
        pa.float64(),
        "largest eigenvalue of P^-1 (H + decay I), P: the optimizer's preconditioner, decay: what it adds to the "
        "gradient; null where stability_limit is",
    ),
    _column(
        "stability_limit",
        pa.float64(),
        "optimizer_sharpness above which training on full batches is unstable; null where no such limit holds",
    ),
)

FLATNESS = _table(
    "flatness",
    _KEY,
    *_AXIS_COLUMNS,
    _STEP,
    _column(
        "adaptive_sharpness",
        pa.float64(),
        "largest eigenvalue of |w| H |w|, H: the Hessian of the loss of the trained model in eval mode",
    ),
    _column(
        "adaptive_sharpness_bound", pa.float64(), "what the largest eigenvalue exceeds with failure_probability only"
    ),
    _column("tolerance", pa.float64(), "relative tolerance of adaptive_sharpness"),
    _column("samples", pa.int64(), "of the training set, that the loss is taken on", "samples"),
    _column("num_hvps", pa.int32(), "Hessian-vector products that it took"),
    *_EIGENVALUES,
)

MOMENTS = _table(
    "moments",
    _KEY,
    *_AXIS_COLUMNS,
    _STEP,
    *_LAYER,
    _column("mean", pa.float64(), "mean over units of the unit's mean over the mini-batch"),
    _column("std", pa.float64(), "mean over units of the unit's standard deviation over the mini-batch"),
    _column(
        "mean_shift",
        pa.float64(),
        "root mean square over units of the mean's change since the last probe; null at the first",
    ),
    _column(
        "std_shift",
        pa.float64(),
        "root mean square over units of the std's change since the last probe; null at the first",
    ),
    _column("pre_mean", pa.float64(), "mean, of what enters the normalization"),
    _column("pre_std", pa.float64(), "std, of what enters the normalization"),
    _column("pre_mean_shift", pa.float64(), "mean_shift, of what enters the normalization; null at the first"),
    _column("pre_std_shift", pa.float64(), "std_shift, of what enters the normalization; null at the first"),
)

LAYERS = _table(
    "layers",
    _KEY,
    *_AXIS_COLUMNS,
    _STEP,
    *_LAYER,
    _column("weight_norm", pa.float64(), "||w|| before the step; w is the weight tensor, v where it is g v / ||v||"),
    _column("grad_norm", pa.float64(), "||g||, the step's gradient with respect to w, without weight decay"),
    _column("update_norm", pa.float64(), "||w after the step - w||, by momentum and weight decay too"),
    _column("relative_update", pa.float64(), "update_norm / weight_norm"),
    _column(
        "effective_lr",
        pa.float64(),
        "of sgd lr / ((1 - momentum) weight_norm^2), the learning rate of w's direction before a normalization; of any "
        "other optimizer relative_update",
    ),
)

FAILURES = _table(
    "failures",
    _KEY,
    _column("attempt", pa.int32(), "1 for the first try"),
    _column("error", pa.string(), "type and message of the error"),
    _column("traceback", pa.string(), "where it was raised"),
    _column("log", pa.string(), "path of the worker's log on its machine"),
    _column("host", pa.string(), "name of the machine"),
    _column("failed_at", pa.timestamp("us", tz="UTC"), "when"),
    _column("log_tail", pa.string(), "end of what the trial's worker wrote and printed, 64 KiB at most; null: unknown"),
    _column("spec", pa.string(), "the whole spec, JSON"),
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

ROW_KEYS: dict[str, tuple[str, ...]] = {
    "trials": ("trial_key",),
    "curves": ("trial_key", "step"),
    "landscape": ("trial_key", "step", "given_as", "lr_multiple", "alpha"),
    "ics": ("trial_key", "step", "layer"),
    "moments": ("trial_key", "step", "layer"),
    "layers": ("trial_key", "step", "layer"),
    "curvature": ("trial_key", "step"),
    "flatness": ("trial_key", "step"),
    "failures": ("trial_key", "attempt"),
}
"""By table, the columns that tell its rows apart.

In `landscape` one length may be asked for both as a multiple of lr and in absolute terms, which are two quantities;
rows written before `given_as` was stored do not say which they are. Users' own tables have no key: equal rows may be
meant there.
"""

METRIC_TABLES = ("curves", "landscape", "ics", "moments", "layers", "curvature", "flatness")
"""The tables that are committed before `trials`."""


CIRCUMSTANCES = (
    *("sweep", "wall_time_s", "probe_time_s", "peak_memory_bytes", "device", "host", "attempt", "started_at"),
    *("git_sha", "versions"),
)
"""The columns of `trials` about when, where and with which code a trial ran, which its numbers do not depend on."""


def custom_schema(table: str, columns: Mapping[str, pa.DataType]) -> pa.Schema:
    """Return the schema of a table of the user's own: the columns that name the trial and the step, then `columns`."""
    own = (pa.field(name, kind) for name, kind in columns.items())
    return _table(table, _KEY, *_AXIS_COLUMNS, _STEP, *own)


def to_table(schema: pa.Schema, rows: Iterable[Row]) -> pa.Table:
    """Return `rows` as a table; a column that a row lacks is null, a key that is no column an error."""
    rows = list(rows)
    for row in rows:
        if unknown := row.keys() - set(schema.names):
            raise KeyError(f"table {schema.metadata[b'table'].decode()} has no column {sorted(unknown)}")
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)
