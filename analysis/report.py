"""The report: one self-contained HTML page, and beside it each figure as PNG, SVG and the CSV behind it."""

from __future__ import annotations

import base64
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.finding import overall, width_finding
from analysis.grid import BASELINE
from analysis.intervals import trust
from analysis.lines import difference_lines, table_lines, width_bars
from analysis.load import Results, load
from analysis.plots import FIGURES, FigureKind
from analysis.plots.style import style
from analysis.provenance import coverage, dataset_names, norm_coverage, provenance, without_rows
from analysis.settings import split_settings
from analysis.tables import Tables, make_tables
from bnsweep.errors import InputError
from bnsweep.results import Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS = {"index.html", "figures"}
MOST_NAMED = 50
"""As many undeclared trials are named on the page; undeclared.csv has all."""


@dataclass(frozen=True)
class DrawnFigure:
    """A figure of the page: drawn, or in `missing` why it could not be."""

    name: str
    measures: str
    title: str = ""
    subtitle: str = ""
    image: str = ""
    tables: list[str] = field(default_factory=list)
    missing: str = ""


@dataclass(frozen=True)
class Section:
    """One setting of the page."""

    label: str
    figures: list[DrawnFigure]
    overview: list[dict[str, str]]
    scopes: list[dict[str, str]]
    differences: list[dict[str, str]]
    bars: list[dict[str, str]]
    trust: str


def write_report(directory: str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> Path:
    """Write the report on the results in `directory`; return the path of its index.html.

    Args:
        directory: a path or a pyarrow filesystem URI.
        out: the folder to write, `directory`/report if None. What it held of an older report is replaced, at once.

    Raises:
        InputError: no results, a remote `directory` without `out`, or an `out` that holds other things.
    """
    target = _target(directory, out)
    results = load(directory)
    with _staged(target) as folder:
        (folder / "figures").mkdir()
        page = _page(results, folder / "figures")
        (folder / "index.html").write_text(page, encoding="utf-8")
    return target / "index.html"


def _target(directory: str | os.PathLike[str], out: str | os.PathLike[str] | None) -> Path:
    store = Store.open(directory)
    if out is None and not store.is_local:
        raise InputError(f"report: {os.fspath(directory)} is not on this machine; say where to write with --out FOLDER")
    target = Path(store.root, "report") if out is None else Path(out).expanduser().absolute()
    if target.is_dir():
        others = sorted(path.name for path in target.iterdir() if path.name not in OURS)
        if others:
            raise InputError(f"report: {target} holds other things ({', '.join(others[:3])}); give a new folder")
    elif target.exists():
        raise InputError(f"report: {target} is not a folder; give a new folder")
    return target


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target` that takes its place once the block is through, and goes if it fails."""
    token = uuid.uuid4().hex[:8]
    staging, old = (target.with_name(f"_{target.name}-{what}-{token}") for what in ("new", "old"))
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"report: {target} cannot be written ({error.strerror}); give another --out") from error
    try:
        yield staging
        if target.exists():
            target.rename(old)
        staging.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _page(results: Results, folder: Path) -> str:
    import jinja2

    text = resources.files("analysis").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    tables = make_tables(results)
    csv = {"robustness": tables.robustness, "trials": results.trials}
    if len(tables.differences):
        csv["differences"] = tables.differences
    if len(results.undeclared):
        csv["undeclared"] = results.undeclared
    for name, frame in csv.items():
        _write_csv(frame, folder / f"{name}.csv")
    parts = split_settings(results)
    first = next(iter(parts))
    finding = width_finding(overall(tables.of(first).robustness, "trainable_decades"))
    sections = [
        _section(part, tables.of(label), label, k, folder) for k, (label, part) in enumerate(parts.items(), start=1)
    ]
    return environment.from_string(text).render(
        name=results.name,
        headline=f"{first}: {finding}" if first else finding,
        sections=sections,
        csv=list(csv),
        datasets=dataset_names(results.trials),
        baseline=BASELINE,
        coverage=coverage(results),
        without_rows=without_rows(results),
        norm_coverage=norm_coverage(results),
        undeclared=results.undeclared.head(MOST_NAMED).astype(str).to_dict("records"),
        failures=results.failures.astype(str).to_dict("records"),
        provenance=provenance(results.trials),
        sweep_file=results.declared["sweep_file"] if results.declared else "",
    )


def _section(results: Results, tables: Tables, label: str, number: int, folder: Path) -> Section:
    """Draw the figures of one setting; from the second setting on the names of its files end in its number."""
    suffix = "" if number == 1 else f"-{number}"
    rows = tables.robustness
    return Section(
        label=label,
        figures=[_figure(name, kind, results, tables, folder, suffix) for name, kind in FIGURES.items()],
        overview=table_lines(_pooled(rows)),
        scopes=table_lines(rows),
        differences=difference_lines(_pooled(tables.differences)),
        bars=width_bars(overall(rows, "trainable_decades"), results.trials["lr"]),
        trust=trust(int(rows["n_seeds"].min())),
    )


def _pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every measure that pool every curve."""
    return pd.concat([overall(table, measure) for measure in table["measure"].unique()]) if len(table) else table


def _figure(name: str, kind: FigureKind, results: Results, tables: Tables, folder: Path, suffix: str) -> DrawnFigure:
    try:
        data = kind.data(results, tables)
    except InputError as error:
        return DrawnFigure(name + suffix, kind.measures, missing=str(error))
    for key, frame in data.tables.items():
        _write_csv(frame, folder / f"{key}{suffix}.csv")
    with style():
        fig = kind.draw(data)
        fig.savefig(folder / f"{name}{suffix}.png", dpi=200, metadata={"Software": None})
        _settle(fig)
        fig.savefig(folder / f"{name}{suffix}.svg", metadata={"Date": None, "Creator": None})
    image = base64.b64encode((folder / f"{name}{suffix}.png").read_bytes()).decode()
    files = [key + suffix for key in data.tables]
    return DrawnFigure(name + suffix, kind.measures, data.title, data.subtitle, image, files)


def _settle(fig: Figure) -> None:
    """Keep the places found for the first file, but for their last bits, which differ from one drawing to the next."""
    fig.set_layout_engine("none")
    for part in fig.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(9))
    for ax in fig.axes:
        x, y, width, height = (round(number, 9) for number in ax.get_position().bounds)
        ax.set_position((x, y, width, height))


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)
