"""The page on a sweep of several settings: all together first, then each."""

from pathlib import Path
from typing import Any

import pytest

from analysis.report import write_report
from analysis.report.overview import MAX_OPEN
from tests.analysis.unrendered import leave_out_drawing
from tests.synthetic import make_specs, write_sweep

SMALL: dict[str, Any] = {"norms": ["none", "batch"], "gains": [1.0], "lrs": [0.1, 1.0], "num_seeds": 1}


@pytest.fixture(scope="module", params=[2, pytest.param(MAX_OPEN + 1, marks=pytest.mark.long)])
def html(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("settings")
    sizes = [2**k for k in range(1, request.param + 1)]
    write_sweep(directory, [spec for size in sizes for spec in make_specs(**SMALL, batch_size=size, probes=False)])
    with pytest.MonkeyPatch.context() as patch:
        leave_out_drawing(patch)
        return write_report(directory).read_text(encoding="utf-8")


def test_all_settings_together_come_first_and_many_are_folded(html: str) -> None:
    num_settings = html.count("Setting: batch_size")
    heads = ("What does each factor do?", "Setting: batch_size 2<", "Setting: batch_size 4<")
    places = [html.index(words) for words in heads]
    assert places == sorted(places)
    assert f"This sweep has {num_settings} settings, which differ in batch_size." in " ".join(html.split())
    assert 'href="figures/factors.csv"' in html
    assert f"<h1>batch_size 2 (the first of {num_settings} settings): " in html
    assert "Which parameter matters, over all settings?" in html
    folded = num_settings if num_settings > MAX_OPEN else 0
    assert html.count('<details class="setting"><summary>Setting: ') == folded
    assert html.count("<details") == html.count("</details>")


def test_one_setting_has_no_such_part(report: Path) -> None:
    html = report.read_text(encoding="utf-8")
    assert "What does each factor do?" not in html
    assert not (report.parent / "figures" / "factors.png").exists()
