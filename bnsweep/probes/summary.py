"""One number per probe and trial: the summary columns of the trials table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from bnsweep.results.schema import Row

Rows = Sequence[Row]


def summarize(rows: Mapping[str, Rows]) -> dict[str, float | None]:
    """Return the trials table's probe columns from one trial's rows by table name.

    A column is None where the probe was off or its rows hold nothing to take a median of. A loss, gradient, shift or
    beta that is NaN got so by overflow and counts as infinite: leaving it out would make the roughest landscape look
    smooth. A beta or cosine that is NaN because a gradient is zero is undefined, and left out, as is a sharpness that
    did not converge; one that overflowed is infinite in its row. So is an update relative to a weight of zero, and an
    effective learning rate that is NaN.
    """
    tables = [rows.get(table, ()) for table in ("landscape", "ics", "moments", "layers", "curvature", "flatness")]
    return _summary(*tables) if any(tables) else dict(NOTHING)


def _summary(
    landscape: Rows, ics: Rows, moments: Rows, layers: Rows, curvature: Rows, flatness: Rows
) -> dict[str, float | None]:
    inner = [row for row in ics if row["layer"] > 0]
    return {
        **_walks("landscape", [row for row in landscape if row["given_as"] == "lr_multiple"]),
        **_walks("landscape_alpha", [row for row in landscape if row["given_as"] == "alpha"]),
        "ics_l2": _median(_or_inf(row["ics_l2"]) for row in inner),
        "ics_cos": _median(row["ics_cos"] for row in inner if not math.isnan(row["ics_cos"])),
        "sharpness": _median(_known(curvature, "sharpness")),
        "lowest_eigenvalue": _median(_known(curvature, "lowest_eigenvalue")),
        "edge_ratio": _median(_edge_ratios(curvature)),
        "adaptive_sharpness": _median(_known(flatness, "adaptive_sharpness")),
        "moments_mean_shift": _median(_shifts(moments, "mean_shift")),
        "moments_std_shift": _median(_shifts(moments, "std_shift")),
        "effective_lr": _median(row["effective_lr"] for row in layers if not math.isnan(row["effective_lr"])),
        "relative_update": _median(_or_inf(row["relative_update"]) for row in layers if row["weight_norm"] != 0),
    }


def _walks(prefix: str, landscape: Rows) -> dict[str, float | None]:
    """Sum up the walks over one kind of step lengths."""
    return {
        f"{prefix}_loss_range": _median(_per_step(landscape, _loss_range)),
        f"{prefix}_grad_diff": _median(_per_step(landscape, _largest_grad_diff)),
        f"{prefix}_beta": _median(_per_step(landscape, _largest_beta)),
    }


def _median(values: Iterable[float | None]) -> float | None:
    """Return the median of what is not None; None if nothing is."""
    present = [value for value in values if value is not None]
    return median(present) if present else None


def _per_step(rows: Rows, measure: Callable[[Rows], float | None]) -> list[float | None]:
    steps: dict[int, list[Row]] = {}
    for row in rows:
        steps.setdefault(row["step"], []).append(row)
    return [measure(points) for points in steps.values()]


def _loss_range(points: Rows) -> float:
    losses = [_or_inf(row["loss"]) for row in points]
    return _or_inf(max(losses) - min(losses))


def _largest_grad_diff(points: Rows) -> float:
    return max(_or_inf(row["grad_diff_l2"]) for row in points)


def _largest_beta(points: Rows) -> float | None:
    return None if points[0]["grad_norm"] == 0 else max(_or_inf(row["beta"]) for row in points)


def _known(rows: Rows, column: str) -> list[float]:
    return [row[column] for row in rows if row[column] is not None and not math.isnan(row[column])]


def _edge_ratios(curvature: Rows) -> list[float]:
    limited = [row for row in curvature if row["stability_limit"] is not None]
    return [
        row["optimizer_sharpness"] / row["stability_limit"] for row in limited if _known([row], "optimizer_sharpness")
    ]


def _shifts(moments: Rows, column: str) -> list[float]:
    return [_or_inf(row[column]) for row in moments if row[column] is not None]


def _or_inf(value: float) -> float:
    return math.inf if math.isnan(value) else value


NOTHING = _summary((), (), (), (), (), ())
"""Of a trial that no probe measured."""
