import shutil
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from analysis import Results, load
from analysis.plots import FIGURES
from analysis.plots.computed import compute
from analysis.plots.style import style
from analysis.report import write_report
from analysis.report.coverage import without_rows
from analysis.report.provenance import dataset_names
from bnsweep.errors import InputError
from bnsweep.results import Store
from tests.synthetic import commit_rows, make_specs, write_sweep


class Page(HTMLParser):
    """What a page refers to, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.images: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self._is_script = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.ids |= {named["id"]} if "id" in named else set()
        if tag == "img":
            self.images.append(named["src"])
        if tag == "a":
            self.links.append(named["href"])
        self._is_script = tag == "script"
        if tag in ("iframe", "source", "object") or ("src" in named and tag == "script"):
            self.loaded.append(tag)
        if tag == "link":
            self.loaded += [named["href"]] if not named["href"].startswith("data:") else []

    def handle_data(self, data: str) -> None:
        if not self._is_script:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_the_page_holds_its_images_and_loads_nothing(report: Path) -> None:
    page = Page(report)
    assert len(page.images) == len(FIGURES)
    for source in page.images:
        kind, _, content = source.partition(",")
        assert kind == "data:image/png;base64"
        assert b64decode(content).startswith(b"\x89PNG")
    assert page.loaded == []
    html = report.read_text(encoding="utf-8").replace('"http://www.w3.org/2000/svg"', "")  # a name, not a place
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "default-src 'none'; img-src data:;" in html


def test_every_link_leads_somewhere(report: Path) -> None:
    page = Page(report)
    for link in page.links:
        assert link[1:] in page.ids if link.startswith("#") else (report.parent / link).stat().st_size > 0
    names = {path.stem for path in (report.parent / "figures").iterdir() if path.suffix == ".csv"}
    assert {"claims", "claims-by-lr", "accuracy", "heatmap", "landscape", "ics", "explains"} <= names
    assert {"thresholds", "flatness", "flatness-medians", "claims-by-threshold"} <= names
    assert {"curvature", "moments", "moments-spread", "summary-accuracy", "summary-ics", "summary-claims"} <= names
    assert {"robustness", "differences", "importance", "trials"} <= names


def test_the_page_says_what_was_found_and_how_sure_it_is(report: Path) -> None:
    text = Page(report).text
    assert "batch trains over 3.0 decades of learning rate (the tested rates allow 2.0 to 4.0)" in text
    assert "90 of 90 declared trials are done" in text
    assert "Only 2 seeds: too few for an interval" in text
    assert "a comment with <angle brackets> & ampersands" in text
    assert "0123456789abcdef" in text


def test_differences_of_two_seeds_are_shown_without_intervals(report: Path) -> None:
    text = Page(report).text
    assert "How much each mode differs from none, and what would resolve it" in text
    assert "Decades minus none: batch +2." in report.read_text(encoding="utf-8")
    assert "too few seeds for intervals" in report.read_text(encoding="utf-8")


@pytest.mark.usefixtures("words_only")
def test_verdicts_come_first_and_have_intervals_from_three_seeds_on(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(gains=[1.0], num_seeds=4, probes=False))
    report = write_report(tmp_path)
    text, html = Page(report).text, report.read_text(encoding="utf-8")
    headings = ("Do the paper's claims hold?", "Did the manipulations work?", "Every measure as declared")
    places = [text.rindex(words) for words in headings]
    assert places == sorted(places)
    assert 'class="verdict supported"' in html
    assert "each with its 97.5 % interval over 4 seeds: batch +" in html
    assert "Every interval on this page is at 97.5 %" in text
    assert "Over 4 seeds it cannot know" in text
    assert "Bonferroni" not in text
    assert "Which hyperparameter matters?" in text


@pytest.mark.usefixtures("words_only")
def test_a_sweep_with_ragged_seeds_says_how_much_of_it_is_compared(tmp_path: Path) -> None:
    specs = make_specs(gains=[1.0], probes=False)
    lost = {("none", 1, 1.0), ("batch", 1, 1.0), ("batch", 0, 0.01)}
    write_sweep(tmp_path, specs, keep=lambda spec: (spec.norm, spec.seed, spec.lr) not in lost)
    text = Page(write_report(tmp_path)).text
    assert "noisy_batch is compared with none at 9 of its 10 trials" in text
    assert " batch is compared" not in text


@pytest.mark.usefixtures("words_only")
def test_what_is_missing_failed_or_undeclared_is_reported(results: Results, tmp_path: Path) -> None:
    """Trials are missing, failed and no longer declared, and a table is gone."""
    assert without_rows(results) == []
    specs = write_sweep(tmp_path, make_specs(gains=[1.0], num_seeds=1), keep=lambda spec: spec.lr != 1)
    store = Store.open(tmp_path)
    store.declare("smaller", [spec.trial_key for spec in specs if spec.lr < 5], "")
    lost = next(spec.trial_key for spec in specs if spec.lr == 1)
    commit_rows(tmp_path, {"failures": [{"trial_key": lost, "attempt": 1, "error": "OutOfMemory: 3 GB"}]})
    shutil.rmtree(tmp_path / "ics")
    text = Page(write_report(tmp_path)).text
    for spec in specs:
        assert (spec.trial_key in text) == (spec.lr == 10 or spec.trial_key == lost)
    assert "3 stored trials are not declared" in text
    assert "3 are missing, 1 of them failed" in text
    assert "OutOfMemory: 3 GB" in text
    assert "Rows are missing in ics/: 9 of 9 completed trials" in text
    assert text.count("Rows are missing") == 1
    assert "no rows in ics/" in text


def test_a_probe_that_starts_after_the_last_step_lacks_nothing(results: Results) -> None:
    probes = '{"curvature": {"every": 100, "start": %d, "at": null, "log_spaced": null}}'
    early, late = (replace(results, trials=results.trials.assign(probes=probes % start)) for start in (199, 200))
    assert [table for table, _, _ in without_rows(early)] == ["curvature"]
    assert without_rows(late) == []


THIN: dict[str, dict[str, Any]] = {
    "one norm": {"norms": ["batch"]},
    "one lr": {"lrs": [0.1], "num_seeds": 1},
    "all diverged": {"lrs": [10.0, 100.0], "norms": ["none", "batch"], "num_seeds": 1},
    "one trial": {"lrs": [0.1], "norms": ["none"], "num_seeds": 1},
}
OFTEN_DRAWN = ("one norm", "one lr", "all diverged")
"""Of their kind other tests draw figures: a single trial is the thinnest."""
NOT_DRAWN = {"one lr": {"thresholds"}, "all diverged": {"flatness"}, "one trial": {"thresholds"}}
"""There is no range of rates, or nothing that learned."""


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.long] * (case in OFTEN_DRAWN)) for case in THIN]
)
def test_every_figure_of_a_thin_sweep_is_drawn(case: str, tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(gains=[1.0], **THIN[case]))
    results = load(tmp_path)
    computed = compute(results)
    for name, kind in FIGURES.items():
        if name in NOT_DRAWN.get(case, ()):
            with pytest.raises(InputError):
                kind.data(results, computed)
            continue
        with style():
            kind.draw(kind.data(results, computed)).draw_without_rendering()


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.long] * (case in ("one norm", "one lr"))) for case in THIN]
)
@pytest.mark.usefixtures("unrendered")
def test_a_thin_sweep_without_probes_has_a_page(case: str, tmp_path: Path) -> None:
    specs = make_specs(gains=[1.0], probes=False, **THIN[case])
    more = make_specs(gains=[2.0], num_seeds=1, probes=False)
    write_sweep(tmp_path, [*specs, *more], keep=lambda spec: spec in specs)
    page = Page(write_report(tmp_path))
    assert len(page.images) == 7 - ("thresholds" in NOT_DRAWN.get(case, ()))
    assert "Not drawn:" in page.text
    assert f"{len(specs)} of {len(specs) + 15} declared trials are done" in page.text
    assert "15 are missing" in page.text
    assert ("No mode trains at any tested learning rate" in page.text) == (case == "all diverged")


@pytest.mark.usefixtures("words_only")
def test_configurations_are_kept_apart(tmp_path: Path) -> None:
    few = {"gains": [1.0], "num_seeds": 1, "lrs": [0.01, 0.1, 1.0], "probes": False}
    write_sweep(tmp_path, [*make_specs(**few), *make_specs(**few, steps=100)])  # type: ignore[arg-type]
    said = list[str]()
    report = write_report(tmp_path, say=said.append)
    assert said == [
        f"loading {tmp_path}",
        "computing tables and verdicts of 18 trials",
        "drawing the figures of all settings together",
        "drawing the figures of steps 100, 1 of 2",
        "drawing the figures of steps 200, 2 of 2",
        "writing the page",
    ]
    assert "Setting: steps 100" in Page(report).text
    assert "Setting: steps 200" in Page(report).text
    assert (report.parent / "figures" / "accuracy-2.csv").exists()


@pytest.mark.usefixtures("words_only")
def test_a_new_report_replaces_the_old_one_whole(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(gains=[1.0], num_seeds=1, probes=False))
    stale = tmp_path / "report" / "figures" / "stale.csv"
    stale.parent.mkdir(parents=True)
    stale.write_text("old")
    assert write_report(tmp_path) == tmp_path / "report" / "index.html"
    assert not stale.exists()
    assert {path.name for path in tmp_path.iterdir() if "report" in path.name} == {"report"}


def test_a_directory_with_other_things_is_left_alone(sweep_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"holds other things \(thesis.tex\)"):
        write_report(sweep_dir, tmp_path)
    with pytest.raises(InputError, match="is not a directory"):
        write_report(sweep_dir, tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_a_store_elsewhere_needs_a_place_for_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(InputError, match=r"s3://bucket/sweep.*not on this machine.*--out"):
        write_report("s3://bucket/sweep?region=eu-west-1")


def test_the_jpeg_copy_is_named(results: Results) -> None:
    options = '{"train": "/data/cifar10-jpegq75/train.parquet"}'
    trials = results.trials.assign(dataset="parquet", dataset_options=options)
    assert dataset_names(trials) == ["CIFAR-10, JPEG q75 copy"]


def test_other_data_are_named_with_what_the_sweep_file_says_of_them(results: Results) -> None:
    options = '{"train": "a.parquet", "test_limit": 2000, "train_limit": null}'
    trials = results.trials.assign(dataset="parquet", dataset_options=options)
    assert dataset_names(trials) == ["parquet (train a.parquet, test limit 2000)"]


def test_the_dataset_is_named_beside_every_figure(report: Path) -> None:
    assert Page(report).text.count("Data: digits") == len(FIGURES)
