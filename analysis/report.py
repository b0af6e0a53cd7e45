"""The report: one self-contained HTML page, and beside it each figure as PNG, SVG and the CSV behind it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import pandas as pd

from analysis.claims.lines import claim_lines, lr_lines, verdict_counts
from analysis.drawing import save
from analysis.finding import overall, width_finding
from analysis.folder import staged, target_folder
from analysis.grid import BASELINE, in_order
from analysis.intervals import trust
from analysis.lines import difference_lines, importance_lines, measure_lines, table_lines, width_bars
from analysis.load import Results, load
from analysis.outcome import Outcome, compute
from analysis.plots import FIGURES, FigureKind
from analysis.plots.style import style
from analysis.provenance import coverage, dataset_names, norm_coverage, provenance, without_rows
from analysis.settings import split_settings
from bnsweep.errors import InputError

_WATCHED = re.compile("<!-- watched -->.*?<!-- /watched -->\n", re.DOTALL)
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
    figures: dict[str, DrawnFigure]
    counts: str
    claims: list[dict[str, object]]
    lrs: list[float]
    by_lr: list[dict[str, object]]
    norms: list[str]
    measures: list[dict[str, object]]
    scopes: list[dict[str, str]]
    differences: list[dict[str, str]]
    importance: list[dict[str, object]]
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
    target = target_folder(directory, out)
    return write_page(load(directory), target)


def write_page(results: Results, target: Path, refresh_s: int | None = None) -> Path:
    """Write the report on `results` to the folder `target`; return the path of its index.html.

    With `refresh_s` the page reloads itself after so many seconds, until `without_refresh` takes that away.
    """
    with staged(target) as folder:
        (folder / "figures").mkdir()
        page = _page(results, folder / "figures", refresh_s)
        (folder / "index.html").write_text(page, encoding="utf-8")
    return target / "index.html"


def without_refresh(page: str) -> str:
    """Return the page as it is when nobody is watching."""
    return _WATCHED.sub("", page)


def _page(results: Results, folder: Path, refresh_s: int | None) -> str:
    import jinja2

    text = resources.files("analysis").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    outcome = compute(results)
    csv = {**outcome.csv, "trials": results.trials}
    if len(results.undeclared):
        csv["undeclared"] = results.undeclared
    for name, frame in csv.items():
        _write_csv(frame, folder / f"{name}.csv")
    parts = split_settings(results)
    first = next(iter(parts))
    finding = width_finding(overall(outcome.of(first).tables.robustness, "trainable_decades"))
    sections = [
        _section(part, outcome.of(label), label, k, folder) for k, (label, part) in enumerate(parts.items(), start=1)
    ]
    return environment.from_string(text).render(
        name=results.name,
        refresh_s=refresh_s,
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


def _section(results: Results, outcome: Outcome, label: str, number: int, folder: Path) -> Section:
    """Draw the figures of one setting; from the second setting on the names of its files end in its number."""
    suffix = "" if number == 1 else f"-{number}"
    rows, pooled = outcome.tables.robustness, _pooled(outcome.tables.robustness)
    lrs, by_lr = lr_lines(outcome.verdicts.by_lr)
    return Section(
        label=label,
        figures={name: _figure(name, kind, results, outcome, folder, suffix) for name, kind in FIGURES.items()},
        counts=verdict_counts(outcome.verdicts.statements),
        claims=claim_lines(outcome.verdicts.statements),
        lrs=lrs,
        by_lr=by_lr,
        norms=in_order(pooled["norm"]),
        measures=measure_lines(pooled),
        scopes=table_lines(rows),
        differences=difference_lines(_pooled(outcome.tables.differences)),
        importance=importance_lines(outcome.importance),
        bars=width_bars(overall(rows, "trainable_decades"), results.trials["lr"]),
        trust=trust(int(pooled.loc[pooled["measure"] == "mean_accuracy", "n_seeds"].min())),
    )


def _pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every measure that pool every curve."""
    return pd.concat([overall(table, measure) for measure in table["measure"].unique()]) if len(table) else table


def _figure(name: str, kind: FigureKind, results: Results, outcome: Outcome, folder: Path, suffix: str) -> DrawnFigure:
    try:
        data = kind.data(results, outcome)
    except InputError as error:
        return DrawnFigure(name + suffix, kind.measures, missing=str(error))
    for key, frame in data.tables.items():
        _write_csv(frame, folder / f"{key}{suffix}.csv")
    with style():
        image = save(kind.draw(data), folder, name + suffix)
    files = [key + suffix for key in data.tables]
    return DrawnFigure(name + suffix, kind.measures, data.title, data.subtitle, image, files)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)
