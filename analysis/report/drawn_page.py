"""What the page says of a sweep whose trials a search drew from ranges: shares and tuning in the place of a grid's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from analysis.loading import Results
from analysis.loading.order import BASELINE
from analysis.measures.scores import final_score
from analysis.plots import SHARES, TUNING
from analysis.report.csv_table import write_csv
from analysis.report.figures import draw_figure
from analysis.tables.drawn_text import beside, format_shares, format_tuning
from analysis.tables.shares import FAIR, share_table
from analysis.tables.tuning import WITHIN, tuning_table
from bnsweep.results.drawn_search import DrawnSearch


def drawn_context(
    results: Results, search: DrawnSearch, figures: Path, say: Callable[[str], object]
) -> dict[str, object]:
    """Write the figures and tables of drawn trials; return what `drawn.html.j2` takes of them."""
    say(f"computing tables of {len(results.trials)} trials")
    tables = dict[str, pd.DataFrame]()
    if final_score(results.trials).notna().any():
        tables["tuning"] = tuning_table(results)
        tables |= {"shares": share_table(results)} if search.name in FAIR else {}
    csv = {**tables, "trials": results.trials}
    csv |= {"undeclared": results.undeclared} if len(results.undeclared) else {}
    for name, frame in csv.items():
        write_csv(frame, figures / f"{name}.csv")
    say("drawing figures")
    tuning = draw_figure("tuning-curves", TUNING, results, None, figures, "")
    shares = draw_figure("share", SHARES, results, None, figures, "") if "shares" in tables else None
    title = (shares or tuning).title
    return {
        "headline": title or f"{len(results.trials)} trials that search {search.name} asked for",
        "sampler": search.name,
        "ranges": [
            {"name": name, "low": f"{span.low:g}", "high": f"{span.high:g}", "log": span.log}
            for name, span in search.ranges.items()
        ],
        "columns": list(beside(tables["tuning"]).values()) if "tuning" in tables else [],
        "shares": format_shares(tables["shares"]) if shares else [],
        "share_figure": shares,
        "tuning": format_tuning(tables["tuning"]) if "tuning" in tables else [],
        "tuning_figure": tuning,
        "within": f"{WITHIN:g}",
        "baseline": BASELINE,
        "csv": list(csv),
    }
