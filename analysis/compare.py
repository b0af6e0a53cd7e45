"""`bnsweep compare`: sweeps side by side, as text, and as one self-contained HTML page with its figure."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import pandas as pd

from analysis.comparison import Comparison
from analysis.drawing import save
from analysis.folder import staged, target_folder
from analysis.grid import in_order
from analysis.lines import measure_lines
from analysis.plots.compare import compare_data, draw_compare
from analysis.plots.style import style

Line = dict[str, str]


def write_comparison(comparison: Comparison, out: str | os.PathLike[str]) -> Path:
    """Write the page on a comparison into the folder `out`; return the path of its index.html.

    What the folder held of an older comparison is replaced, at once.

    Raises:
        InputError: `out` holds other things.
    """
    target = target_folder(out, out)
    with staged(target) as folder:
        figures = folder / "figures"
        figures.mkdir()
        comparison.table.to_csv(figures / "compare.csv", index=False)
        comparison.differing.to_csv(figures / "differing.csv", index=False)
        (folder / "index.html").write_text(_page(comparison, figures), encoding="utf-8")
    return target / "index.html"


def _page(comparison: Comparison, folder: Path) -> str:
    import jinja2

    data = compare_data(comparison)
    with style():
        image = save(draw_compare(data), folder, "compare")
    text = resources.files("analysis").joinpath("templates/compare.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(text).render(
        title=data.title,
        subtitle=data.subtitle,
        names=comparison.names,
        image=image,
        measures=[(meaning, list(lines)) for meaning, lines in side_by_side(comparison).items()],
        differing=comparison.differing.to_dict("records"),
        notes=comparison.notes,
    )


def side_by_side(comparison: Comparison) -> dict[str, list[tuple[str, list[Line]]]]:
    """Return by meaning of the measure, for each norm, its value and interval in each sweep in order; '-' for none."""
    cells: dict[tuple[str, str, str], Line] = {}
    for name, rows in comparison.table.groupby("sweep", sort=False):
        norms = in_order(rows["norm"])
        for line in measure_lines(rows):
            cells |= {
                (str(line["meaning"]), norm, str(name)): cell
                for norm, cell in zip(norms, line["cells"], strict=True)  # type: ignore[call-overload]  # a line's values are objects
            }
    nothing = {"value": "-", "interval": ""}
    norms = in_order(comparison.table["norm"])
    return {
        meaning: [(norm, [cells.get((meaning, norm, name), nothing) for name in comparison.names]) for norm in norms]
        for meaning in dict.fromkeys(meaning for meaning, _, _ in cells)
    }


def as_text(comparison: Comparison) -> str:
    """Return the comparison as plain text: what differs, what to know, then every measure."""
    parts = []
    if len(comparison.differing):
        parts.append("The sweeps differ in:\n" + _differences_as_text(comparison.differing))
    parts += comparison.notes
    for meaning, lines in side_by_side(comparison).items():
        rows = {norm: [" ".join(filter(None, (one["value"], _bracketed(one)))) for one in row] for norm, row in lines}
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=comparison.names)
        parts.append(f"{meaning}\n{frame.to_string()}")
    return "\n\n".join(parts)


def _bracketed(cell: Line) -> str:
    return f"({cell['interval']})" if cell["interval"] else ""


def _differences_as_text(differing: pd.DataFrame) -> str:
    """Return a line per field and sweep: values such as model options are too long for columns."""
    return "\n".join(
        f"  {row['field']}\n" + "\n".join(f"    {name}: {value}" for name, value in row.items() if name != "field")
        for row in differing.to_dict("records")
    )
