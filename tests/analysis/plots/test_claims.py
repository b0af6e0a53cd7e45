"""The forest of verdicts: where each effect is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.claims.verdicts import Verdicts, judge
from analysis.loading import Results
from analysis.plots.claims import ClaimsData, claims_data, draw_claims


@pytest.fixture(scope="module")
def verdicts(results: Results) -> Verdicts:
    """Verdicts with intervals: those of two seeds have none."""
    found = judge(results)
    rows = found.statements
    rows = rows.assign(effect=rows["effect"].where(rows["statement"] != "lr_range", -1.0))
    width = 0.5 * rows["effect"].abs() + 0.01
    low, high = rows["effect"] - width, rows["effect"] + width
    sign = np.where(rows["side"] == "above", 1, -1)
    clear = np.minimum((low - rows["bound"]) * sign, (high - rows["bound"]) * sign) > 0
    against = np.maximum((low - rows["bound"]) * sign, (high - rows["bound"]) * sign) < 0
    verdict = np.select(
        [rows["effect"].isna(), clear, against], ["not tested", "supported", "contradicted"], "unresolved"
    )
    return replace(found, statements=rows.assign(low=low, high=high, verdict=verdict))


@pytest.fixture(scope="module")
def data(results: Results, verdicts: Verdicts) -> ClaimsData:
    return claims_data(results, verdicts)


def test_what_supports_is_right_of_the_bound_and_what_contradicts_left(data: ClaimsData) -> None:
    rows = data.statements
    ends = rows[["x_low", "x_high"]]
    assert (ends[rows["verdict"] == "supported"] > 0).all(axis=None)
    assert (ends[rows["verdict"] == "contradicted"] < 0).all(axis=None)
    straddles = ends[rows["verdict"] == "unresolved"]
    assert (straddles.min(axis=1) <= 0).all()
    assert (straddles.max(axis=1) >= 0).all()
    assert {"supported", "contradicted", "unresolved", "not tested"} == set(rows["verdict"])
    drawn = ends.dropna()
    assert drawn.abs().max(axis=1).to_numpy() == pytest.approx(1)


def test_the_title_counts_every_statement(data: ClaimsData) -> None:
    assert data.title.startswith(f"The claims of Santurkar et al. 2018, {len(data.statements)} statements: ")
    counts = [int(part.split()[0]) for part in data.title.split(": ")[1].split(", ")]
    assert sum(counts) == len(data.statements)


def test_every_statement_and_its_verdict_are_drawn(data: ClaimsData) -> None:
    (ax,) = draw_claims(data).axes
    texts = [text.get_text() for text in ax.texts]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == data.statements["label"].tolist()
    for verdict, count in data.statements["verdict"].value_counts().items():
        assert texts.count(str(verdict)) == count
    for title in data.statements["title"].unique():
        assert title in texts
    drawn = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(drawn) == data.statements["x_low"].notna().sum()


def test_without_an_interval_no_place_is_claimed(results: Results) -> None:
    rows = claims_data(results).statements
    by_seed = rows[rows["counted"] == "seeds"]
    assert by_seed["effect"].notna().all()
    assert by_seed[["x", "x_low", "x_high"]].isna().all(axis=None)
