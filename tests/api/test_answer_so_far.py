"""How much of the answer there is, judged by a process beside a run."""

from __future__ import annotations

import re
from pathlib import Path
from threading import enumerate as enumerate_threads
from typing import Any

import psutil

from bnsweep.api.answer_so_far import MAX_TRIALS, AnswerSoFar, answer_so_far
from bnsweep.spec.sweep import Sweep
from tests.synthetic import make_specs, write_sweep
from tests.waiting import wait_until


def looking(directory: Path) -> list[psutil.Process]:
    """Return the processes that judge what is stored there."""
    return [
        process for process in psutil.process_iter(["cmdline"]) if str(directory) in (process.info["cmdline"] or ())
    ]


def test_it_says_how_many_statements_are_resolved_and_leaves_no_process(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(gains=[1.0], num_seeds=5, probes=False))
    with AnswerSoFar(str(tmp_path), first_after_s=0.0) as answer:
        assert answer() == ""
        wait_until(answer, "what is resolved")
        resolved, of = map(int, re.findall(r"\d+", answer()))
    assert 0 < resolved < of
    assert answer() == f"{resolved} of {of} statements on the paper are resolved so far"
    wait_until(lambda: not looking(tmp_path), "the process to end")


def test_of_nothing_that_can_be_judged_it_says_nothing(tmp_path: Path) -> None:
    with AnswerSoFar(str(tmp_path), first_after_s=0.0) as answer:
        wait_until(lambda: answer._wait_s > 0, "a first look")
        assert answer() == ""


def sweep_of(num_trials: int, **options: Any) -> Sweep:
    axes = {"seed": {"range": num_trials}}
    train = {"eval_every": 5}
    given = {"name": "s", "model": {"name": "mlp"}, "dataset": {"name": "digits"}, "train": train, "axes": axes}
    return Sweep.from_dict({**given, **options})


def test_of_a_sweep_of_too_many_trials_or_with_a_pruner_nobody_looks(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(gains=[1.0], num_seeds=1, probes=False))
    with answer_so_far(str(tmp_path), sweep_of(MAX_TRIALS)) as answer:
        assert isinstance(answer, AnswerSoFar)
        assert "answer so far" in {thread.name for thread in enumerate_threads()}
    wait_until(lambda: "answer so far" not in {thread.name for thread in enumerate_threads()}, "the look to end")
    for sweep in (sweep_of(MAX_TRIALS + 1), sweep_of(2, pruner={"name": "asha", "first": 5})):
        with answer_so_far(str(tmp_path), sweep) as answer:
            assert answer is None
            assert "answer so far" not in {thread.name for thread in enumerate_threads()}
