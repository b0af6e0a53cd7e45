"""The user's own code that was edited under its name: told by every command that counts or checks results."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bnsweep.own_source import source_sha256
from tests.bad_inputs.commands import changed
from tests.in_process import Result, Run

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


def test_results_of_before_the_column_are_not_compared(
    run: Run, tmp_path: Path, edit: Callable[[str, str], None]
) -> None:
    assert run("run", "tiny.yaml", "--executor", "serial").code == 0
    rows = pq.read_table("results/tiny/trials").drop_columns(["code_sha256"])
    (tmp_path / "earlier/trials").mkdir(parents=True)
    pq.write_table(rows, "earlier/trials/rows.parquet")
    edit("ReLU", "Tanh")
    planned = run("plan", "tiny.yaml", "--no-timing", "--out", "earlier")
    assert lines_on_code(planned) == []
    assert "2 done, 0 missing" in planned.out


def test_of_a_package_what_the_code_imports_counts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {
        "__init__": "",
        "models/__init__": "",
        "models/net": "from ..parts import f\n",
        "parts": "f = 1\n",
        "x": "",
    }
    for name, text in files.items():
        path = tmp_path / f"bnsweep_test_package/{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    digest = source_sha256(name := ["bnsweep_test_package.models.net:f"])
    assert digest is not None
    (tmp_path / "bnsweep_test_package/x.py").write_text("not imported")
    assert source_sha256(name) == digest
    (tmp_path / "bnsweep_test_package/parts.py").write_text("f = 2\n")
    assert source_sha256(name) not in (None, digest)


@pytest.mark.parametrize("names", [[], ["torch.nn:Linear"], ["json:dumps"], ["no_such_module:f"]])
def test_of_no_code_of_ones_own_there_is_no_digest(names: list[str]) -> None:
    assert source_sha256(names) is None
