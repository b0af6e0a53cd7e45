"""A table as arrays over the axes of the grid, for xarray."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import pandas as pd

from analysis.loading import Results
from analysis.loading.order import ORDERED, in_order
from analysis.measures.scores import final_score
from analysis.measures.walks import LENGTHS, MULTIPLES, walks
from analysis.tables.joined import measured
from bnsweep.errors import InputError, did_you_mean
from bnsweep.results import SCHEMAS
from bnsweep.results.schema import AXES

if TYPE_CHECKING:
    import xarray as xr

MAX_CELLS = 100_000_000
"""Places of one array, 0.8 GB: where most trials or steps differ, nearly all of them would be empty."""
MISSING = "to_xarray: the package xarray is not installed; pip install xarray, or 'bnsweep[xarray]'"


def to_xarray(results: Results, table: str = "trials", *, walked: str = MULTIPLES) -> xr.Dataset:
    """Return the numbers of a table as arrays over norm, init, init_gain, lr and seed; NaN where there is none.

    >>> from analysis import load, to_xarray
    >>> trials = to_xarray(load("results/mini"))
    >>> dict(trials.sizes)
    {'norm': 3, 'init': 1, 'init_gain': 3, 'lr': 5, 'seed': 4}
    >>> trials["accuracy"].mean("seed").max("lr").sel(norm="batch", init="xavier_uniform").round(2).values.tolist()
    [0.96, 0.96, 0.96]

    Args:
        results: what `load` returned.
        table: trials, or one of measurements: curves, landscape, ics, moments, layers, curvature, flatness.
        walked: of landscape, the walks whose lengths were given as `lr_multiple` or as `alpha`: a dimension of this
            name.

    Returns:
        Dimensions: configuration, where the sweep has several; the axes; of measurements step, and layer where they
        are of layers (with its name as a coordinate, where it has one name). Variables: every column of numbers; of
        trials also accuracy (R² of real targets; a diverged trial is at chance) and diverged (1 or 0). Their
        attributes `long_name` and `units` are those of `SCHEMAS`.

    Raises:
        ImportError: xarray is not installed.
        InputError: no such table, or arrays that would be nearly empty and too large.
    """
    try:
        import xarray as xr
    except ImportError as error:
        raise ImportError(MISSING) from error
    rows, inner = _trials(results) if table == "trials" else _measurements(results, table, walked)
    settings = results.settings
    if len(settings.fields) > 1:
        of_key = settings.of_trial.set_axis(results.trials["trial_key"])
        rows = rows.assign(configuration=rows["trial_key"].map(of_key))
        inner = ("configuration", *inner)
    dims = [*(name for name in inner if name == "configuration"), *AXES, *(x for x in inner if x != "configuration")]
    _check_size(rows, dims, table)
    numbers = rows.select_dtypes(["number", "bool"]).columns.difference(dims, sort=False)
    frame = rows.astype(dict.fromkeys(ORDERED, str)).set_index(dims)[list(numbers)].astype(float)
    arrays = xr.Dataset.from_dataframe(frame).reindex({axis: in_order(rows[axis]) for axis in ORDERED})
    return _described(_with_layer_names(arrays, rows), table)


def _trials(results: Results) -> tuple[pd.DataFrame, tuple[str, ...]]:
    trials = results.trials
    diverged = (trials["status"] == "diverged").astype(float)
    return trials.assign(accuracy=final_score(trials), diverged=diverged), ()


def _measurements(results: Results, table: str, walked: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows, and the dimensions beside the axes."""
    rows = measured(results, table)
    if table == "landscape":
        if walked not in (MULTIPLES, LENGTHS):
            raise InputError(f"walked: given {walked!r}; {did_you_mean(walked, (MULTIPLES, LENGTHS))}")
        return walks(rows, walked), ("step", walked)
    return rows, ("step", "layer") if "layer" in rows else ("step",)


def _check_size(rows: pd.DataFrame, dims: list[str], table: str) -> None:
    sizes = {name: rows[name].nunique() for name in dims}
    if (cells := prod(sizes.values())) > MAX_CELLS:
        shape = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(
            f"table: {table} as an array has {cells} places ({shape}) for {len(rows)} rows; load fewer norms or steps, "
            f"or work with the frame"
        )


def _with_layer_names(arrays: xr.Dataset, rows: pd.DataFrame) -> xr.Dataset:
    if "layer" not in arrays.dims:
        return arrays
    names = rows[["layer", "layer_name"]].drop_duplicates().set_index("layer")["layer_name"].astype(str)
    if not names.index.is_unique:
        return arrays
    return arrays.assign_coords(layer_name=("layer", names[arrays["layer"].to_numpy()].to_numpy(dtype=object)))


def _described(arrays: xr.Dataset, table: str) -> xr.Dataset:
    """Give each variable its meaning and unit."""
    for name in arrays.variables:
        if name in SCHEMAS[table].names:
            told = {key.decode(): text.decode() for key, text in (SCHEMAS[table].field(name).metadata or {}).items()}
            attributes = {"long_name": told.get("meaning", ""), "units": told.get("unit", "")}
            arrays[name].attrs = {key: text for key, text in attributes.items() if text}
    return arrays
