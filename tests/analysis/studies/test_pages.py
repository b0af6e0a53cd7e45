"""Every page of the studies says what its command computes from what is kept of its runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis import Results, load
from analysis.studies import beta, recipes, related, robustness, variants
from analysis.studies.page import DATA, STUDIES, written
from analysis.studies.paper import __main__ as paper

PAGES: dict[str, tuple[Callable[..., dict[str, str]], tuple[str, ...]]] = {
    "beta": (beta.tables, ("beta_level_cpu",)),
    "paper": (paper.tables, paper.SWEEPS),
    "recipes": (recipes.tables, ("robustness_optimizers_cpu",)),
    "related": (related.tables, related.SWEEPS),
    "robustness": (robustness.tables, ("robustness_cpu",)),
    "variants": (variants.tables, ("variants_cpu",)),
}
"""What computes the tables of a page, and of which sweeps."""
MOST_BYTES = 10_000_000


@pytest.mark.parametrize("page", PAGES)
def test_its_tables_are_those_that_are_computed(page: str) -> None:
    tables, sweeps = PAGES[page]
    kept: list[Results] = [load(DATA / name) for name in sweeps]
    text = (STUDIES / f"{page}.md").read_text()
    assert written(text, tables(*kept)) == text


def test_every_page_is_in_the_list_and_in_this_test() -> None:
    listed = (STUDIES / "README.md").read_text()
    pages = {path.stem for path in STUDIES.glob("*.md")} - {"README"}
    assert pages == set(PAGES)
    assert all(f"({page}.md)" in listed and f"`python -m analysis.studies.{page}`" in listed for page in pages)


def test_what_is_kept_is_small() -> None:
    sizes = [path.stat().st_size for path in Path(DATA).rglob("*.parquet")]
    assert 0 < sum(sizes) < MOST_BYTES
