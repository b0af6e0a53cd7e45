"""The README: short, and what it shows is what there is."""

from __future__ import annotations

import re
import subprocess
from collections import Counter

from bnsweep.spec.sweep import Sweep
from tests.pages import ROOT, code_block

README = (ROOT / "README.md").read_text()
MOST_LINES = 150


def test_it_is_read_in_three_minutes() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_its_sweep_file_is_that_of_make_mini() -> None:
    shown, mini = Sweep.from_text(code_block("README.md", "axes:", "yaml")), Sweep.from_yaml(ROOT / "sweeps/mini.yaml")
    assert (shown.name, shown.resources) == (mini.name, mini.resources)
    assert [spec.trial_key for spec in shown.trials] == [spec.trial_key for spec in mini.trials]
    assert f"{len(mini.trials)} trials" in README


def test_what_it_says_was_found_is_what_the_study_says() -> None:
    text = (ROOT / "docs/studies/robustness.md").read_text()
    rows = text.partition("<!-- table claims -->")[2].partition("<!-- end claims -->")[0].splitlines()
    verdicts = Counter(
        row.strip(" |").rpartition("| ")[2] for row in rows if row.startswith("| ") and "verdict" not in row
    )
    found = (verdicts.total(), verdicts["supported"], verdicts["contradicted"], verdicts["unresolved"])
    said = re.search(
        r"Of (\d+) statements .* (\d+) are supported and (\d+) contradicted .*?(\d+) are unresolved", README, re.DOTALL
    )
    assert said is not None
    assert tuple(map(int, said.groups())) == found


def test_its_two_commands_are_targets_and_mini_is_what_it_shows() -> None:
    targets = re.findall(r"^make (\S+)", code_block("README.md", "make mini", ""), re.MULTILINE)
    assert targets == ["mini", "test"]
    for name in targets:
        would = subprocess.run(["make", "-n", name], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        assert {"mini": "bnsweep run sweeps/mini.yaml", "test": "pytest"}[name] in would
