"""The page: self-contained HTML, and beside it each figure as PNG, SVG and the CSV behind it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from analysis.loading import Results, load
from analysis.loading.configurations import split_configurations
from analysis.loading.order import BASELINE
from analysis.loading.pruned import is_pruned
from analysis.measures.scores import ACCURACY, final_score, in_scores, says_accuracy
from analysis.plots.computed import Computed, compute
from analysis.plots.plain_sgd import is_own
from analysis.report.configuration_report import ConfigurationReport, report_configuration
from analysis.report.coverage import compared_in_part, coverage, norm_coverage, without_rows
from analysis.report.csv_table import write_csv
from analysis.report.drawn_page import drawn_context
from analysis.report.html import render
from analysis.report.interactive import interactive
from analysis.report.output_directory import FINAL_PAGE, PAGE, replaced_whole, report_directory
from analysis.report.overview import report_overview
from analysis.report.provenance import code_versions, dataset_names, provenance
from analysis.report.pruned_page import pruned_context
from analysis.tables.headline import ALLOWED, metric_headline, width_headline
from analysis.tables.pooled import pooled_rows

MAX_NAMED = 50
"""As many undeclared trials are named on the page; undeclared.csv has all."""


def write_report(
    directory: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Path:
    """Write the report on the results in `directory`; return the path of its index.html.

    Args:
        directory: a path or a URI such as `s3://bucket/folder`.
        out: the directory to write, `directory`/report if None. What it held of an older report is replaced, at once.
        say: told what is under way.

    Raises:
        InputError: no results, a remote `directory` without `out`, or an `out` that holds other things.
        StoreError: `out` cannot be written; the older report is still there.
    """
    target = report_directory(directory, out)
    say(f"loading {os.fspath(directory)}")
    return write_page(load(directory), target, os.fspath(directory), say=say)


def write_page(
    results: Results,
    target: Path,
    source: str,
    refresh_s: int | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Path:
    """Write the report on `results`, of the directory `source`, to `target`; return the path of its index.html.

    With `refresh_s` the page reloads itself after so many seconds, until `stop_refreshing`. `say` is told what is
    under way.
    """
    with replaced_whole(target) as directory:
        figures = directory / "figures"
        figures.mkdir()
        template, context = _page(results, figures, source, say)
        say("writing the page")
        pages = {PAGE: refresh_s} if refresh_s is None else {PAGE: refresh_s, FINAL_PAGE: None}
        for name, seconds in pages.items():
            html = render(template, **context, refresh_s=seconds)
            (directory / name).write_text(html, encoding="utf-8")
    return target / PAGE


def stop_refreshing(target: Path) -> None:
    """Put the page that does not reload itself in place of the one that does: a rename, which takes no space."""
    if (target / FINAL_PAGE).exists():
        (target / FINAL_PAGE).replace(target / PAGE)


def _page(results: Results, figures: Path, source: str, say: Callable[[str], object]) -> tuple[str, dict[str, object]]:
    """Write the figures and tables; return the template of the page, and what it takes."""
    if results.drawn:
        drawn = drawn_context(results, results.drawn, figures, say)
        return "drawn.html.j2", {**_shared_context(results), **drawn}
    if is_pruned(results.trials).any():
        pruned = pruned_context(results, figures, say)
        return "pruned.html.j2", {**_shared_context(results), **pruned}
    grid = {**_context(results, figures, say), **interactive(results, source)}
    return "report.html.j2", {**_shared_context(results), **grid}


def _context(results: Results, figures: Path, say: Callable[[str], object]) -> dict[str, object]:
    """Write the figures and tables of a grid; return what the template takes of them."""
    say(f"computing tables and verdicts of {len(results.trials)} trials")
    computed = compute(results)
    csv = {**computed.csv, "trials": results.trials}
    if len(results.undeclared):
        csv["undeclared"] = results.undeclared
    for name, frame in csv.items():
        write_csv(frame, figures / f"{name}.csv")
    parts = split_configurations(results)
    say("drawing the figures of all settings together")
    overview, configurations = report_overview(results, computed, figures), list[ConfigurationReport]()
    for number, (label, part) in enumerate(parts.items(), start=1):
        say(f"drawing the figures of {label or 'the sweep'}, {number} of {len(parts)}")
        configurations.append(report_configuration(part, computed.of(label), label, number, figures))
    return {
        "overview": overview,
        "headline": _headline(results, computed, list(parts)),
        "allowed": ALLOWED,
        "configurations": configurations,
        "csv": list(csv),
        "baseline": BASELINE,
        "compared_in_part": compared_in_part(results),
        "without_rows": without_rows(results),
        "code_versions": code_versions(results.trials),
    }


def _shared_context(results: Results) -> dict[str, object]:
    """Return what the page says of any trials."""
    return {
        "name": results.name,
        "datasets": dataset_names(results.trials),
        "score": in_scores(ACCURACY, says_accuracy(results.trials)),
        "coverage": coverage(results),
        "norm_coverage": norm_coverage(results),
        "undeclared": results.undeclared.head(MAX_NAMED).astype(str).to_dict("records"),
        "failures": results.failures.astype(str).to_dict("records"),
        "provenance": provenance(results.trials),
        "search": results.search,
        "sweep_file": results.declared["sweep_file"] if results.declared else "",
    }


def _headline(results: Results, computed: Computed, labels: list[str]) -> str:
    """Return over how many decades each mode trains in the first setting, by the labels of all.

    Without a score what the user's own loops report at best, in whichever setting.
    """
    if is_own(results.trials) and final_score(results.trials).isna().all():
        common = results.at_common_lrs
        return metric_headline(common.trials, common.settings.of_trial)
    widths = pooled_rows(computed.of(labels[0]).tables.robustness, "trainable_decades")
    where = f"{labels[0]} (the first of {len(labels)} settings): " if len(labels) > 1 else ""
    return f"{where}{width_headline(widths)}"
