"""Make a results directory small enough to be kept beside the page that is about it: one Parquet file per table.

`load`, `bnsweep report` and pandas read it as they read the directory that it came from.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer

from bnsweep.errors import InputError
from bnsweep.results import Store

LEFT_OUT = {"failures"}
"""Tables about how a run went, not what it found."""
PROBES = {"ics", "layers", "moments"}
"""Tables of which a step has a row for each layer."""
COMPRESSION_LEVEL = 19


def keep(
    directory: str | os.PathLike[str], out: str | os.PathLike[str], curves_every: int = 1, probes_every: int = 1
) -> dict[str, int]:
    """Write every table of `directory` into `out`, as `out/TABLE/TABLE.parquet`; return the bytes of each.

    Args:
        directory: what `bnsweep run --out` was given; local.
        out: written anew; what is there goes.
        curves_every: of `curves`, the rows of so many steps one, and all in which the test set was evaluated.
        probes_every: likewise of `PROBES`, the tables that grow with the layers.

    Raises:
        InputError: there are no results in `directory`.
    """
    store, out = Store.open(directory), Path(out)
    tables = sorted(path.name for path in Path(directory).glob("[!_]*") if path.is_dir() and path.name not in LEFT_OUT)
    if "trials" not in tables:
        raise InputError(f"{os.fspath(directory)}: no trials/ in it; give the --out of a `bnsweep run`")
    shutil.rmtree(out, ignore_errors=True)
    sizes = {}
    for name in tables:
        rows = store.read(name)
        if not len(rows):
            continue
        if name == "curves":
            rows = rows.filter(pc.or_(_is_step_of(rows, curves_every), pc.is_valid(rows["test_loss"])))
        elif name in PROBES:
            rows = rows.filter(_is_step_of(rows, probes_every))
        path = out / name / f"{name}.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(rows.sort_by("trial_key"), path, compression="zstd", compression_level=COMPRESSION_LEVEL)
        sizes[name] = path.stat().st_size
    return sizes


def _is_step_of(rows: pa.Table, every: int) -> pa.ChunkedArray:
    """Return whether a row's step is a multiple of `every`."""
    return pc.equal(pc.subtract(rows["step"], pc.multiply(pc.divide(rows["step"], every), every)), 0)


def main(
    directory: Annotated[str, typer.Argument(help="a results directory")],
    out: Annotated[str, typer.Argument(help="where to write, docs/studies/data/NAME")],
    curves_every: Annotated[int, typer.Option(help="keep one step in so many of curves/")] = 1,
    probes_every: Annotated[int, typer.Option(help="and of what probes measure in each layer")] = 1,
) -> None:
    """Keep a results directory in little room."""
    for name, size in keep(directory, out, curves_every, probes_every).items():
        typer.echo(f"{name}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    typer.run(main)
