"""A data file that was replaced under its name: told before anything is trained, never mixed with what was there."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.bad_inputs.commands import changed, require_refusal, tree
from tests.in_process import Result, Run

DIGITS, FEW = "{name: digits}", (("[0.1, 1.0e+9]", "[0.1]"), ("[none, batch, noisy_batch]", "[none]"))
FILE = "{name: parquet, train: images.parquet, test: images.parquet%s}"


def write(seed: int) -> str:
    """Write a file of images of this seed; return the sha256 that a trial of it has."""
    rng, encoded = np.random.default_rng(seed), []
    for _ in range(40):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).save(buffer, "PNG")
        encoded.append(buffer.getvalue())
    pq.write_table(pa.table({"img": encoded, "label": [i % 2 for i in range(40)]}), "images.parquet")
    return hashlib.sha256(2 * Path("images.parquet").read_bytes()).hexdigest()


@pytest.fixture
def command(run: Run) -> Callable[..., Result]:
    """Run a command on a sweep of these seeds and options of the data."""

    def on(name: str, seeds: str, options: str = "", *more: str) -> Result:
        text = changed((DIGITS, FILE % options), ("{range: 2}", seeds), *FEW)
        Path("tiny.yaml").write_text(text, encoding="utf-8")
        return run(name, "tiny.yaml", *(("--executor", "serial") if name == "run" else ()), *more)

    return on


def test_a_replaced_file_is_refused_with_both_named(command: Callable[..., Result], run: Run, tmp_path: Path) -> None:
    first = write(0)
    assert command("run", "[0]").code == 0
    rows = pq.read_table("results/tiny/trials").to_pylist()
    assert [row["data_sha256"] for row in rows] == [first]
    second, before = write(1), tree(tmp_path / "results")
    message = (
        rf"results/tiny: holds trials of other data than .*images\.parquet.* \(sha256 {first} then, {second} now\)"
    )
    for refused in (command("run", "[0, 1]"), command("plan", "[0, 1]"), command("run", "[1]", ", train_limit: 32")):
        require_refusal(refused, message)
    require_refusal(
        run("repro", "results/tiny", rows[0]["trial_key"]), f"was trained on other data .* {first} then, {second} now"
    )
    assert tree(tmp_path / "results") == before
    assert write(0) == first
    assert command("run", "[0, 1]").code == 0
    assert run("repro", "results/tiny", rows[0]["trial_key"]).code == 0
    write(1)
    assert command("run", "[2]", "", "--out", "elsewhere").code == 0


@pytest.mark.long
def test_rows_of_before_the_column_are_no_reason_to_refuse(command: Callable[..., Result]) -> None:
    write(0)
    assert command("run", "[0]").code == 0
    rows = pq.read_table("results/tiny/trials").drop_columns(["data_sha256"])
    Path("earlier/trials").mkdir(parents=True)
    pq.write_table(rows, "earlier/trials/rows.parquet")
    write(1)
    planned = command("plan", "[0, 1]", "", "--out", "earlier")
    assert (planned.code, planned.err) == (0, "")
    assert "1 done, 1 missing" in planned.out
