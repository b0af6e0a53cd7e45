"""What `run` refuses before it writes anything, and what commands say of themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bnsweep.cli import app
from tests.bad_inputs.commands import require_refusal
from tests.in_process import Run

Write = Callable[..., Path]

REFUSED = [
    (("norm: [none", "nrom: [none"), r"tiny\.yaml: axes\.nrom: unknown key 'nrom'; .*did you mean 'norm'\?"),
    (("batch_size: 32", "batch_size: 1438"), r"batch_size: given 1438; the training set has 1437 samples"),
    (
        ("name: mlp, widths: [8]", "name: vgg, widths: [8, M, M, M, M]"),
        r"model\.widths: 4 poolings .* at most 3",
    ),
    (("[none, batch, noisy_batch]", "[instance]"), r"norm.*instance.*position"),
    (
        ("dataset: {name: digits}", "dataset: {name: parquet, train: no.parquet, test: no.parquet}"),
        r"dataset\.train: no\.parquet cannot be read as Parquet",
    ),
    (("probes:", "resources: {gpus: 64}\nprobes:"), r"resources\.gpus: 64 asked for, .*; set gpus: 0"),
    (("probes:", "resources: {cpus: 4096}\nprobes:"), r"resources\.cpus: 4096 asked for, .*; ask for fewer"),
    (("widths: [8]", "widths: [1000000000]"), r"model: .*1000000000.* cannot be built"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[entry[1][:40] for entry in REFUSED])
def test_bad_input_is_refused_and_nothing_written(
    run: Run,
    sweep_file: Write,
    tmp_path: Path,
    change: tuple[str, str],
    message: str,
) -> None:
    sweep_file(change)
    require_refusal(run("run", "tiny.yaml"), message)
    assert sorted(os.listdir(tmp_path)) == ["tiny.yaml"]


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_missing_sweep_file_is_refused(run: Run, command: str) -> None:
    require_refusal(run(command, "nowhere.yaml"), r"nowhere\.yaml: cannot be read")


def test_help_names_every_command_in_the_order_of_use(run: Run) -> None:
    result = run("--help")
    assert result.code == 0
    named = re.findall(r"^│ ([a-z]+) ", result.out, re.MULTILINE)
    assert {command.callback.__name__ for command in app.registered_commands if not command.hidden} == set(named)
    assert [name for name in named if name in ("init", "plan", "run", "report")] == ["init", "plan", "run", "report"]
    assert named.index("report") < named.index("submit") < named.index("status") < named.index("fetch")


def test_doctor_says_what_is_there(run: Run) -> None:
    result = run("doctor")
    assert re.search(r"ok +torch: \d", result.out)
    assert re.search(r"(ok|lacking) +GPU: ", result.out)
