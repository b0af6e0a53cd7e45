"""What the report says of a sweep whose search decided which trials there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.report import write_report
from bnsweep.results import Store
from tests.synthetic import make_specs, write_sweep


@pytest.mark.usefixtures("words_only")
@pytest.mark.parametrize("end", ["every edge is found", None])
def test_a_search_is_told_with_its_edges(tmp_path: Path, end: str | None) -> None:
    specs = write_sweep(tmp_path / "out", make_specs(num_seeds=6, gains=[1.0], probes=False))
    keys, rates = [spec.trial_key for spec in specs], sorted({spec.lr for spec in specs})
    search = {"name": "edges", "num_rounds": 3, "end": end, "common_lrs": rates[::2]}
    Store.open(tmp_path / "out").declare("few", keys, "", search=search)
    text = write_report(tmp_path / "out", tmp_path / "report").read_text(encoding="utf-8")
    said = f"it is over after 3 rounds: {end}" if end else "it is not over after 3 rounds."
    assert f"Its search edges decides which trials there are; {said}" in " ".join(text.split())
    assert 'data-name="edges"' in text
    assert (tmp_path / "report" / "figures" / "edges.csv").exists()
