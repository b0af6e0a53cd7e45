"""The forest of verdicts: where each effect is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.claims.paper import CLAIMS
from analysis.claims.verdicts import Verdicts, judge
from analysis.loading import Results
from analysis.plots.claims import CHECKS, ClaimsData, claims_data, draw_claims


@pytest.fixture(scope="module")
def verdicts(results: Results) -> Verdicts:
    """Verdicts with intervals: those of two seeds have none."""
    found = judge(results)
    rows = found.statements
    rows = rows.assign(effect=rows["effect"].where(rows["statement"] != "lr_range", -1.0))
    width = 0.5 * rows["effect"].abs() + 0.01
    low, high = rows["effect"] - width, rows["effect"] + width
    statements = {key: statement for claim in CLAIMS.values() for key, statement in claim.statements.items()}
    verdict = [
        statements[name].verdict(*ends) if np.isfinite(ends[0]) else "not tested"
        for name, *ends in zip(rows["statement"], low, high, strict=True)
    ]
    return replace(found, statements=rows.assign(low=low, high=high, verdict=verdict))


@pytest.fixture(scope="module")
def data(results: Results, verdicts: Verdicts) -> ClaimsData:
    return claims_data(results, verdicts)


def test_an_interval_is_inside_what_is_claimed_where_it_supports_and_outside_where_it_contradicts(
    data: ClaimsData,
) -> None:
    rows = data.statements[data.statements["x"].notna()]
    low, high = rows[["x_low", "x_high"]].min(axis=1), rows[["x_low", "x_high"]].max(axis=1)
    # The tinted area of a statement with one bound ends at the longest bar, but holds beyond it.
    to = rows["holds_to"].where(rows["side"] == "within", np.inf)
    inside, outside = (low > rows["holds_from"]) & (high < to), (high < rows["holds_from"]) | (low > to)
    verdict = np.select([inside, outside], ["supported", "contradicted"], "unresolved")
    assert verdict.tolist() == rows["verdict"].tolist()
    assert {"supported", "contradicted", "unresolved"} == set(verdict)
    assert {"within", "above", "below"} == set(rows["side"])
    assert rows[["x_low", "x_high", "holds_from", "holds_to"]].abs().max(axis=None) <= 1 + 1e-9


def test_the_two_bounds_of_within_are_drawn_to_scale(data: ClaimsData) -> None:
    rows = data.statements[(data.statements["side"] == "within") & data.statements["x"].notna()]
    assert len(rows) > 0
    np.testing.assert_allclose(rows["holds_from"], -rows["holds_to"])
    np.testing.assert_allclose(rows["x"] / rows["holds_to"], rows["effect"] / rows["bound"])


def test_the_title_counts_every_statement_that_is_no_check(data: ClaimsData) -> None:
    claimed = data.statements[~data.statements["is_check"].astype(bool)]
    assert data.title.startswith(f"The claims of Santurkar et al. 2018, {len(claimed)} statements: ")
    counts = [int(part.split()[0]) for part in data.title.split(": ")[1].split(", ")]
    assert sum(counts) == len(claimed) < len(data.statements)


def test_every_statement_and_its_verdict_are_drawn_and_the_checks_last(data: ClaimsData) -> None:
    figure = draw_claims(data)
    (ax,) = figure.axes
    texts = [text.get_text() for text in ax.texts]
    for verdict, count in data.statements["verdict"].value_counts().items():
        assert texts.count(str(verdict)) == count
    for title, is_check in data.statements[["title", "is_check"]].drop_duplicates().itertuples(index=False):
        assert (texts.index(title) > texts.index(CHECKS)) == is_check
    for label, count in data.statements["label"].value_counts().items():
        assert texts.count(str(label)) == count
    drawn = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(drawn) == data.statements["x_low"].notna().sum()
    assert figure.get_size_inches()[1] <= 10


def test_a_statement_that_was_not_tested_says_why(data: ClaimsData) -> None:
    texts = [text.get_text() for text in draw_claims(data).axes[0].texts]
    assert "no trial has norm l1" in texts


def test_without_an_interval_no_place_is_claimed(results: Results) -> None:
    rows = claims_data(results).statements
    by_seed = rows[rows["counted"] == "seeds"]
    assert by_seed["effect"].notna().all()
    assert by_seed[["x", "x_low", "x_high"]].isna().all(axis=None)
