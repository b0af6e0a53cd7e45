"""Every link of every Markdown file leads somewhere, and from the README one comes to every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ELSEWHERE = {"results", "data", "build"}
"""Folders of the root that are a user's own."""
ROOMS = ("bnsweep", "analysis", "cluster", "sweeps", "benchmarks", "tests")


def markdown_files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*.md")):
        first, *rest = path.relative_to(ROOT).parts
        if not (first in ELSEWHERE and rest) and not any(part.startswith(".") for part in (first, *rest)):
            yield path


def prose(path: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def links(path: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "`", prose(path)))


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    made = list[str]()
    for heading in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        made.append(f"{plain}-{times}" if (times := made.count(plain)) else plain)
    return set(made)


def target(page: Path, link: str) -> Path:
    """Return the file that a link is to."""
    name = link.partition("#")[0]
    return (page.parent / name).resolve() if name else page


FILES = list(markdown_files())


@pytest.mark.parametrize("page", FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    for link in links(page):
        if "://" in link:
            continue
        led_to = target(page, link)
        assert led_to.exists(), link
        assert "#" not in link or link.partition("#")[2] in anchors(led_to), link


def test_one_comes_to_every_page_from_the_readme() -> None:
    found, new = set[Path](), {ROOT / "README.md"}
    while new:
        found |= new
        new = {target(page, link) for page in new for link in links(page) if "://" not in link}
        new = {page for page in new if page.suffix == ".md"} - found
    assert found == set(FILES)


def test_pages_that_the_code_names_are_there() -> None:
    texts = [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".yaml")]
    named = {page for text in texts for page in re.findall(r"\bdocs/(?:studies/)?[a-z_]+\.md\b", text)}
    assert named
    assert {page for page in named if not (ROOT / page).exists()} == set()


def test_what_it_takes_for_a_link_and_an_anchor(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`: c-d\n## A b\n## A b\n```\n# no heading [no](link)\n```\n`[no](x)` [two\nlines](other.md#a)\n"
    )
    assert links(page) == ["other.md#a"]
    assert anchors(page) == {"a-b-c-d", "a-b", "a-b-1"}
