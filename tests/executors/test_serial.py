"""What only one process for everything has: it cannot be replaced."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from bnsweep.executors.serial import _which_gpu
from bnsweep.results import Store
from tests.in_process import Run

LOSSY = '"tests.user_code.crashing_models:loses_the_gpu", pids: {}, times: 2'


def test_a_trial_that_loses_the_gpu_ends_the_run_and_the_same_command_continues_with_it_last(
    tmp_path: Path, run: Run, sweep_file: Callable[..., Path]
) -> None:
    sweep_file(
        ("mlp, widths: [8]", LOSSY.format(tmp_path / "pids")), ("norm: [none, batch, noisy_batch]", "norm: [none]")
    )
    codes, left = list[int | str | None](), list[int]()
    for _ in range(3):
        result = run("run", "tiny.yaml", "--executor", "serial")
        codes.append(result.code)
        left.append(4 - len(Store.open("results/tiny").finished()))
        if result.code:
            assert re.fullmatch(
                r"bnsweep: trial \w{16}: CUDA error: device-side assert triggered; [^\n]*the same command continues, "
                r"with that trial last\n",
                result.err,
            )
    assert codes == [1, 1, 0]
    assert left[0] == 4
    assert left[2] == 0
    attempts = Store.open("results/tiny").read("failures")["attempt"].to_pylist()
    assert attempts == [1, 1]


def test_it_says_which_gpu_it_takes() -> None:
    assert _which_gpu("NVIDIA L4", 1) == "training on one GPU, NVIDIA L4"
    assert "the first of 8: CUDA_VISIBLE_DEVICES" in _which_gpu("NVIDIA L4", 8)
