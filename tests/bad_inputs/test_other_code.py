"""The user's own code that was edited under its name: told by every command that counts or checks results."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis import load
from bnsweep.own_source import source_sha256
from tests.analysis.unrendered import leave_out_rendering
from tests.bad_inputs.commands import changed
from tests.in_process import Result, Run
from tests.processes import bnsweep

NET = """
from torch import nn
from bnsweep_test_parts import hidden

def net(input_shape, num_classes, norm):
    return nn.Sequential(nn.Flatten(), *hidden(norm), nn.Linear(8, num_classes))
"""
PARTS = """
from torch import nn

def hidden(norm):
    return nn.Linear(64, 8), norm(8, None), nn.ReLU()
"""
SWEEP = changed(
    ("{name: mlp, widths: [8]}", "{name: 'bnsweep_test_net:net'}"),
    ("[0.1, 1.0e+9]", "[0.1]"),
    ("[none, batch, noisy_batch]", "[none]"),
)
TOLD = (
    r"2 of 2 results are of former code: bnsweep_test_net:net, or a module that it imports, was edited since; they stay"
)


@pytest.fixture
def edit(tmp_path: Path) -> Callable[[str, str], None]:
    """Write NET, PARTS and a sweep of two trials; edit PARTS when called."""
    (tmp_path / "bnsweep_test_net.py").write_text(NET)
    (tmp_path / "bnsweep_test_parts.py").write_text(PARTS)
    (tmp_path / "tiny.yaml").write_text(SWEEP)

    def edit(old: str, new: str) -> None:
        assert old in PARTS
        (tmp_path / "bnsweep_test_parts.py").write_text(PARTS.replace(old, new))

    return edit


def lines_on_code(result: Result) -> list[str]:
    assert (result.code, result.err) == (0, ""), result
    return [line for line in result.out.splitlines() if "former code" in line]


def test_an_edit_in_a_module_that_the_model_imports_is_told_until_it_is_taken_back(
    run: Run, tmp_path: Path, edit: Callable[[str, str], None]
) -> None:
    first = run("run", "tiny.yaml", "--executor", "serial")
    assert lines_on_code(first) == []
    stored = {row["code_sha256"] for row in pq.read_table("results/tiny/trials").to_pylist()}
    assert stored == {source_sha256(["bnsweep_test_net:net"])}
    commands = [
        ("run", "tiny.yaml", "--executor", "serial"),
        ("plan", "tiny.yaml", "--no-timing"),
        ("verify", "results/tiny"),
    ]
    edit("ReLU", "Tanh")
    for command in commands:
        (line,) = lines_on_code(run(*command))
        assert re.search(TOLD, line)
        assert re.search("give another --out, or another name in the sweep file, .* put the former code back", line)
    edit("nn.ReLU()\n", "nn.ReLU()  # max(0, x)\n\n")
    assert [lines_on_code(run(*command)) for command in commands] == [[], [], []]
    (tmp_path / "bnsweep_test_parts.py").unlink()
    (tmp_path / "bnsweep_test_net.py").unlink()
    assert lines_on_code(run("verify", "results/tiny")) == []  # it is not here to be compared


def test_results_of_before_the_column_are_not_compared_and_can_be_continued(
    run: Run, tmp_path: Path, edit: Callable[[str, str], None]
) -> None:
    assert run("run", "tiny.yaml", "--executor", "serial").code == 0
    rows = pq.read_table("results/tiny/trials").drop_columns(["code_sha256"])
    (tmp_path / "earlier/trials").mkdir(parents=True)
    pq.write_table(rows, "earlier/trials/rows.parquet")
    key = rows["trial_key"][0].as_py()
    edit("ReLU", "Tanh")
    commands = [
        ("plan", "tiny.yaml", "--no-timing", "--out", "earlier"),
        ("run", "tiny.yaml", "--executor", "serial", "--set", "axes.seed={range: 3}", "--out", "earlier"),
        ("verify", "earlier"),
    ]
    planned, continued, verified = (run(*command) for command in commands)
    assert lines_on_code(planned) == lines_on_code(continued) == []
    assert "2 done, 0 missing" in planned.out
    assert "2 of 3 trials done, 1 to run" in continued.out
    (line,) = lines_on_code(verified)
    assert "1 of 3 results are of former code" in line  # the one of this process, which had imported it
    known = load("earlier").trials["code_sha256"].notna()
    assert sorted(known) == [False, False, True]
    again = run("repro", "earlier", key)
    assert "trials: 1 rows, the same bits" in again.out
    assert "was edited" not in again.out


@pytest.mark.long
def test_trials_of_several_versions_are_told_by_the_report_and_each_by_repro(
    run: Run, tmp_path: Path, edit: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out_rendering(monkeypatch)
    serial = ("run", "tiny.yaml", "--executor", "serial")
    assert run(*serial).code == 0
    (former, _) = load("results/tiny").trials["trial_key"]
    edit("ReLU", "Tanh")
    assert bnsweep(*serial, "--set", "axes.seed={range: 3}").returncode == 0
    assert run("report", "results/tiny").code == 0
    page = " ".join(Path("results/tiny/report/index.html").read_text(encoding="utf-8").split())
    assert "Trials ran 2 versions of bnsweep_test_net:net, or of a module that it imports: 2, 1 of them." in page
    assert "its own code was edited since it ran" in bnsweep("repro", "results/tiny", former).stdout
