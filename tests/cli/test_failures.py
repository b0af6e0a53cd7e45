"""Why trials failed: what is printed where a run ends, and later."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bnsweep.api.end_of_run import end_of_run
from bnsweep.api.failed_trial import FailedTrial
from bnsweep.cli.failures import details, overview
from bnsweep.cli.failures_table import settings
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.spec import TrialSpec
from tests.in_process import Run
from tests.processes import bnsweep
from tests.results.rows import as_tables, commit, few_specs, tables_of


def fail(store: Store, spec: TrialSpec, attempt: int, error: str) -> None:
    row: dict[str, Any] = {
        "trial_key": spec.trial_key,
        "attempt": attempt,
        "error": error,
        "traceback": f"Traceback of attempt {attempt}\n",
        "log": "/tmp/worker.err",
        "host": "far",
        "failed_at": datetime.now(UTC),
        "log_tail": f"printed by attempt {attempt}\n",
        "spec": spec.to_json(),
    }
    commit(store, as_tables({"failures": [row]}))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Of seven trials each has failed: three of one error, four of errors of their own; the last has a result now."""
    store, specs = Store.open(tmp_path / "out"), few_specs(7)
    fail(store, specs[0], 1, "OSError: at first")
    for number, spec in enumerate(specs):
        fail(store, spec, 2, "ValueError: [no] such file" if number < 3 else f"KeyError: {number}\nand more")
    commit(store, tables_of(specs[-1:]))
    return store


def test_where_a_run_ends_the_commonest_errors_are_printed_with_a_trial_and_a_log(store: Store) -> None:
    specs = few_specs(7)
    lines = list(end_of_run(store, [spec.trial_key for spec in specs[:6]], "out"))
    text = "\n".join(lines)
    assert "6 trials failed" in lines[0]
    assert "3 trials: ValueError: [no] such file" in lines[1]
    first = specs[0]
    assert f"{first.trial_key}: norm {first.norm}, init {first.init}, init_gain 1.0, lr {first.lr}, seed 0" in text
    assert "/tmp/worker.err on far" in text
    assert text.count("KeyError") == 2
    assert "1 other error" in text
    assert "bnsweep failures out" in lines[-1]
    assert "at first" not in text


def test_the_overview_is_a_table_of_the_trials_without_a_result_the_latest_last(store: Store) -> None:
    fail(store, few_specs(7)[1], 3, "OSError: the latest")
    heading, *lines, total = overview(store, "out dir", 10_000, with_succeeded=False)
    assert heading.split("  ")[0] == "failed (UTC)"
    assert len(lines) == 3 * 6
    for row, number in zip(range(0, 18, 3), (0, 2, 3, 4, 5, 1), strict=True):
        spec, at = few_specs(7)[number], heading.index("error")
        failed, command, log = lines[row : row + 3]
        setting = f"norm {spec.norm}, init {spec.init}, init_gain 1.0, lr {spec.lr}"
        attempts, error = {0: (2, "ValueError: [no] such file"), 1: (2, "OSError: the latest")}.get(number, (1, ""))
        assert failed.split()[2:4] == [str(spec.seed), str(attempts)]
        assert setting in failed[:at]
        assert error in failed[at:]
        assert command[at:] == f"bnsweep repro 'out dir' {spec.trial_key}"
        assert log[at:] == "log: /tmp/worker.err on far"
        assert not (command + log).replace(command[at:], "").replace(log[at:], "").strip()
    assert "6 trials" in total
    assert "1 that failed before" in total
    *every, _ = overview(store, "out", 10_000, with_succeeded=True)
    assert sum("has a result now" in line for line in every) == 1
    assert len(every) == 1 + 3 * 7


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("ValueError: \n\n  first blank\nmore", "ValueError: first blank"),
        (
            "ValueError: \x1b[31mred\x1b]0;title\x07 \x00 \u202ereversed",
            r"ValueError: \x1b[31mred\x1b]0;title\x07 \x00 \u202er",
        ),
        ("ValueError: " + "x" * 5000, "x" * 180 + " ..."),
        ("ValueError: ", "ValueError:"),
    ],
)
def test_an_error_is_one_line_that_a_terminal_can_be_given(tmp_path: Path, error: str, line: str) -> None:
    store, (spec,) = Store.open(tmp_path / "out"), few_specs(1)
    fail(store, spec, 1, error)
    assert any(line in shown for shown in end_of_run(store, [spec.trial_key], "out"))
    in_full = "\n".join(overview(store, "out", 100, with_succeeded=False, is_full=True))
    table = "\n".join(overview(store, "out", 10_000, with_succeeded=False))
    assert line in table
    assert len(max(table.splitlines(), key=len)) < 400
    assert not set(in_full + table) & set("\x1b\x07\x00\u202e")


def test_a_narrow_terminal_sees_all_of_it_and_the_command_in_one_piece(store: Store) -> None:
    wide, narrow = ([*overview(store, "out", width, with_succeeded=False)][1:] for width in (10_000, 80))
    assert max(map(len, narrow[:-1])) <= 80
    assert sum("bnsweep repro out " in line for line in narrow) == 6
    assert sorted("".join(wide).replace(" ", "")) == sorted("".join(narrow).replace(" ", ""))


def test_in_full_each_comes_with_its_traceback_and_the_command(store: Store) -> None:
    lines = list(overview(store, "out", 80, with_succeeded=False, is_full=True))
    for spec in few_specs(6):
        start = next(number for number, line in enumerate(lines) if line.startswith(f"{spec.trial_key}: "))
        block = lines[start : lines.index("", start)]
        assert "Traceback of attempt 2" in block
        assert f"bnsweep repro out {spec.trial_key}" in block
    assert not any("printed by attempt" in line for line in lines)


def test_a_setting_says_in_what_trials_differ_beside_the_axes(tmp_path: Path, spec: Callable[..., TrialSpec]) -> None:
    store = Store.open(tmp_path)
    for steps in (8, 9):
        fail(store, spec(train={"steps": steps, "batch_size": 32}), 1, "ValueError: x")
    told = "norm none, init default, init_gain 1.0, lr 0.1"
    assert settings(FailedTrial.load(store)) == [f"{told}, train.steps {steps}" for steps in (8, 9)]
    assert settings(FailedTrial.load(store)[:1]) == [told]


def test_all_about_one_trial_is_its_traceback_and_its_log(store: Store) -> None:
    key = few_specs(1)[0].trial_key
    text = "\n".join(details(store, key, "out"))
    for part in (
        "attempt 1",
        "OSError: at first",
        "attempt 2",
        "Traceback of attempt 2",
        "printed by attempt 2",
        "far",
        f"bnsweep repro out {key}",
    ):
        assert part in text
    for wrong in ("nowhere", ""):
        with pytest.raises(InputError, match=r"(no|7) failed trial.*bnsweep failures out --all"):
            list(details(store, wrong, "out"))


def test_failures_stored_by_an_earlier_version_are_shown_as_far_as_they_go(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    failure = {"trial_key": "a", "attempt": 1, "error": "ValueError: x", "failed_at": datetime.now(UTC)}
    commit(store, as_tables({"failures": [failure]}))
    assert any("spec not stored" in line for line in overview(store, "out", 200, with_succeeded=False))
    assert any("nothing of it is stored" in line for line in details(store, "a", "out"))


def test_a_run_with_a_broken_probe_says_why_and_failures_says_it_again(
    sweep_file: Callable[..., Path], tmp_path: Path, run: Run
) -> None:
    raising = '"tests.user_code.probes:returning": {every: 3, what: an error}'
    broken = sweep_file(("ics: {every: 3}", raising), ("{range: 2}", "[0]"), ("[0.1, 1.0e+9]", "[0.1]"))
    result = run("run", broken, "--executor", "serial", "--out", tmp_path / "out")
    assert result.code == 1, result.err
    assert "3 trials: ZeroDivisionError" in result.out
    assert "norm none, init default" in result.out
    again = bnsweep("failures", tmp_path / "out")
    assert again.returncode == 0
    assert "norm noisy_batch, init default" in again.stdout
    *_, command = re.findall("bnsweep (repro .*)", again.stdout)
    assert "tests/user_code/probes.py" in run("failures", tmp_path / "out", command.split()[2]).out
    assert "tests/user_code/probes.py" in run("failures", tmp_path / "out", "--full").out
    assert run("failures", tmp_path / "nowhere").code == 2
    repeated = run(*command.split())
    assert repeated.code == 1, repeated.err
    assert "tests/user_code/probes.py" in repeated.out
    assert repeated.out.rstrip().endswith("fails again, by the same error")
    refused = run("repro", tmp_path / "out", "")
    assert refused.code == 2
    assert "3 failed trials begin with it" in refused.err


def test_a_failed_trial_that_ends_now_is_said_to(tmp_path: Path, spec: Callable[..., TrialSpec], run: Run) -> None:
    store, trial = Store.open(tmp_path / "out"), spec()
    fail(store, trial, 1, "OSError: only once")
    again = run("repro", tmp_path / "out", trial.trial_key[:5])
    assert again.code == 0, again.err
    assert "failed: 1 time, at last on far: OSError: only once" in again.out
    assert "completed: it does not fail here" in again.out


def test_a_failed_trial_whose_spec_is_not_stored_cannot_be_run_again(tmp_path: Path, run: Run) -> None:
    failure = {"trial_key": "a", "attempt": 1, "error": "ValueError: x", "failed_at": datetime.now(UTC)}
    commit(Store.open(tmp_path / "out"), as_tables({"failures": [failure]}))
    again = run("repro", tmp_path / "out", "a")
    assert again.code == 2
    assert "a: its spec cannot be read" in again.err


def test_a_beginning_that_failed_and_finished_trials_share_is_refused(store: Store, run: Run) -> None:
    again = run("repro", store.root, "")
    assert again.code == 2
    assert re.search(r"'': 6 failed trials and 1 with a result begin with it; `bnsweep failures ", again.err)


OWN = """
import bnsweep


@bnsweep.trial
def trial(config, ctx):
    for step in ctx.steps():
        if step == 3:
            raise ValueError("late")
    return {"loss": 0.0}
"""


def test_axes_that_the_sweep_declares_are_named_and_code_that_is_not_here_is_no_failure(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/own_failing.py").write_text(OWN)
    sweep = tmp_path / "there/own.yaml"
    own = "trial: {name: 'own_failing:trial', metric: {name: loss, mode: min}}"
    sweep.write_text(f"name: own\n{own}\ntrain: {{steps: 5}}\naxes: {{trial.k: [1], lr: [0.1]}}\n")
    monkeypatch.chdir(tmp_path / "there")
    ended = run("run", sweep, "--out", tmp_path / "out", "--executor", "serial")
    assert "lr 0.1, seed 0, trial.k 1" in ended.out, ended
    assert "trial.k 1" in run("failures", tmp_path / "out").out
    (key,) = (trial.key for trial in FailedTrial.load(Store.open(tmp_path / "out")))
    assert "fails again, by the same error" in run("repro", tmp_path / "out", key).out
    elsewhere = bnsweep("repro", tmp_path / "out", key, cwd=tmp_path)
    assert (elsewhere.returncode, elsewhere.stderr.count("\n")) == (2, 1), elsewhere.stderr
    assert "own_failing" in elsewhere.stderr
