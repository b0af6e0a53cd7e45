"""What the interactive page needs to know of a sweep, packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.loading.order import BASELINE
from analysis.measures import FRACTION, MEASURES
from analysis.measures.grid import make_grid
from analysis.measures.scores import ACCURACY, in_scores, says_accuracy
from analysis.plots.style import norm_style, short_name
from analysis.report.payload.packing import pack
from analysis.report.payload.quantities import BY_LAYER, LAYER, OVER_STEPS, SCALARS, STEP, Quantity, finite
from analysis.statistics.intervals import CONFIDENCE
from bnsweep.results.schema import METRIC_TABLES

MAX_WITH_CURVES = 10_000
"""Trials up to which the page holds what each went through."""
MAX_EXACT = 100_000
"""Trials up to which scores are stored in float64."""
MAX_STEPS = 60
STATUSES = ("", "completed", "diverged", "pruned")
"""What the codes of `status` stand for; 0 where there is no result."""
PROBES = {"landscape": ("landscape", "curvature"), "shift": ("ics", "moments"), "layers": ("layers", "ics", "moments")}
"""By section the tables that it shows."""
UNLOGGED = (
    "Not logged, as `log: {curves: summary}` in the sweep file asks for: gradient norms, and mini-batches of steps "
    "that were neither evaluated nor measured by a probe."
)
Arrays = dict[str, NDArray[Any]]


def make_payload(results: Results) -> str:
    """Return what the page holds, as text."""
    settings, arrays = list[dict[str, Any]](), Arrays()
    with_curves = len(results.trials) <= MAX_WITH_CURVES
    for index, (label, part) in enumerate(split_configurations(results).items()):
        header, own = _setting(part, label, with_curves, np.float64 if len(results.trials) <= MAX_EXACT else np.float32)
        settings.append(header)
        arrays |= {f"{index}/{name}": array for name, array in own.items()}
    score = in_scores(ACCURACY, says_accuracy(results.trials))
    header = {
        "name": results.name,
        "score": score,
        "baseline": BASELINE,
        "fraction": FRACTION,
        "confidence": CONFIDENCE,
        "statuses": STATUSES,
        "looks": {norm: _look(norm) for norm in results.trials["norm"].astype(str).unique()},
        "measures": [
            {
                "name": name,
                "title": in_scores(name.replace("_", " "), score == ACCURACY),
                "meaning": in_scores(measure.meaning, score == ACCURACY),
                "unit": in_scores(measure.unit, score == ACCURACY),
            }
            for name, measure in MEASURES.items()
        ],
        "settings": settings,
    }
    return pack(header, arrays | {"colors": _colors()})


def _absent(part: Results, with_curves: bool) -> dict[str, str]:
    """Return what stands where a section has no data: why that is."""
    if not with_curves:
        many = f"This sweep has more than {MAX_WITH_CURVES:,} trials: the page holds no curves and no probes of them. "
        many += "Load them in Python, or report on a sweep of a part of its axes."
        return dict.fromkeys(("training", "landscape", "shift", "layers", "scalars"), many)
    old = "Its rows are of an older version of bnsweep and do not say how step lengths were given; run the sweep again."
    probes = {
        section: old
        if any(len(getattr(part, table)) for table in tables)
        else f"The sweep has no probe for this: add `probes: {{{tables[0]}: {{every: 100}}}}` to its file."
        for section, tables in PROBES.items()
    }
    scalars = "No probe measured anything that a trial's score could be set against."
    training = {"training": "The sweep has no curves."}
    if "log_curves" in part.trials and (part.trials["log_curves"] == "summary").any():
        training = {"training": f"The sweep has no curves. {UNLOGGED}", "unlogged": UNLOGGED}
    return {**training, **probes, "scalars": scalars}


def _look(norm: str) -> dict[str, str]:
    """Return colours, dashes in pixels, marker and short name of a mode."""
    style = norm_style(norm)
    dash = " ".join(f"{2 * length:g}" for length in style.dashes)
    return {
        "color": style.color,
        "onDark": style.on_dark,
        "dash": dash,
        "marker": style.marker,
        "name": short_name(norm),
    }


def _colors() -> NDArray[np.uint8]:
    """Return the colour scale of maps, 256 x 3 bytes."""
    import matplotlib as mpl

    shades = mpl.colormaps["cividis"](np.arange(256))[:, :3]
    return np.asarray(np.round(255 * shades), dtype=np.uint8)


def _setting(
    part: Results, label: str, with_curves: bool, dtype: type[np.floating[Any]]
) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays of one setting: those of the grid have the shape SNIGL, row-major."""
    trials, grid = part.trials, make_grid(part.trials, part.curves)
    places, size = grid.places(trials), grid.accuracy.size
    arrays: Arrays = {"accuracy": grid.accuracy.astype(dtype), "loss": grid.loss.astype(dtype)}
    if np.isfinite(grid.initial_loss).any():
        arrays["initial_loss"] = grid.initial_loss.astype(dtype)
    arrays["status"], arrays["keys"] = np.zeros(size, np.uint8), np.zeros((size, 8), np.uint8)
    arrays["status"][places] = (
        trials["status"].map({name: code for code, name in enumerate(STATUSES)}).to_numpy(np.uint8)
    )
    arrays["keys"][places] = np.frombuffer(bytes.fromhex("".join(trials["trial_key"])), np.uint8).reshape(-1, 8)
    header = {
        "label": label,
        "absent": _absent(part, with_curves),
        **{name: getattr(grid, name) for name in ("seeds", "norms", "inits", "gains", "lrs", "chance")},
        "addedLrs": sorted(grid.added_lrs),
        **{name: [] for name in ("series", "layered", "scalars")},
    }
    if with_curves:
        placed = _placed(part, places)
        header["series"] = _measured(placed, OVER_STEPS, STEP, size, arrays)
        header["layered"] = _measured(placed, BY_LAYER, LAYER, size, arrays)
        header["scalars"] = _scalars(trials, places, size, arrays)
    return header, arrays


def _placed(part: Results, places: NDArray[np.intp]) -> Results:
    """Return tables of measurements that have, in place of its key, each trial's place on the grid.

    Numbers are grouped in a fraction of the time that texts take.
    """
    where = pd.Series(places, index=part.trials["trial_key"])
    tables = {name: getattr(part, name) for name in METRIC_TABLES}
    return replace(
        part, **{name: rows.assign(trial_key=where.loc[rows["trial_key"]].to_numpy()) for name, rows in tables.items()}
    )


def _measured(
    part: Results, quantities: tuple[Quantity, ...], by: str, size: int, arrays: Arrays
) -> list[dict[str, Any]]:
    """Add an array of shape (cells, steps) or (cells, layers) for each quantity measured; return their headers.

    `part` is from `_placed`.
    """
    found = []
    for quantity in quantities:
        rows = quantity.values(part)
        rows = rows.assign(value=finite(rows["value"])).dropna(subset="value")
        if rows.empty:
            continue
        points = _evenly(sorted(rows[by].unique().tolist()), MAX_STEPS)
        column = pd.Index(points).get_indexer(pd.Index(rows[by]))
        values = np.full((size, len(points)), np.nan, np.float32)
        values[rows["trial_key"].to_numpy()[column >= 0], column[column >= 0]] = rows["value"][column >= 0]
        arrays[quantity.name] = values
        head = {"name": quantity.name, "title": quantity.title, "unit": quantity.unit, "isLog": quantity.is_log}
        axis = {"steps": points} if by == STEP else {"layers": _layer_names(part, points)}
        found.append({**head, "section": quantity.section, **axis})
    return found


def _evenly(points: list[int], most: int) -> list[int]:
    """Return at most so many of the points, the first and the last among them."""
    if len(points) <= most:
        return points
    return [points[round(k * (len(points) - 1) / (most - 1))] for k in range(most)]


def _layer_names(part: Results, points: list[int]) -> list[str]:
    """Return what the layers are called, by whichever probe has them."""
    names: Mapping[int, str] = {}
    for table in (part.layers, part.ics, part.moments):
        if len(table):
            last = table[["layer", "layer_name"]].drop_duplicates("layer", keep="last")
            names = dict(zip(last["layer"], last["layer_name"].astype(str), strict=True))
            break
    return [names.get(point, str(point)) for point in points]


def _scalars(trials: pd.DataFrame, places: NDArray[np.intp], size: int, arrays: Arrays) -> list[dict[str, Any]]:
    """Add an array of the shape of the grid for each number that is known of trials; return their headers."""
    found = []
    for name, (title, is_log) in SCALARS.items():
        values = finite(trials[name].astype(float))
        if values.nunique() < 2:
            continue
        arrays[f"scalar_{name}"] = np.full(size, np.nan, np.float32)
        arrays[f"scalar_{name}"][places] = values
        is_positive = bool(is_log and isfinite(values.min()) and (values > 0).any())
        found.append({"name": f"scalar_{name}", "title": title, "unit": "", "isLog": is_positive})
    return found
