"""Why trials failed: what is printed where a run ends, and later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bnsweep.cli.failures import details, end_of_run, overview
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


def test_the_overview_has_a_line_for_each_trial_without_a_result(store: Store) -> None:
    *lines, total = overview(store, with_succeeded=False)
    first, last = few_specs(7)[0], few_specs(7)[-1]
    assert len(lines) == 6
    assert any(line.startswith(first.trial_key) and "2 attempts failed: ValueError" in line for line in lines)
    assert not any(last.trial_key in line for line in lines)
    assert "6 trials" in total
    assert "1 that failed before" in total
    *every, _ = overview(store, with_succeeded=True)
    assert len(every) == 7
    assert any(line.startswith(last.trial_key) and "has a result now" in line for line in every)


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
    ):
        assert part in text
    for wrong in ("nowhere", ""):
        with pytest.raises(InputError, match=r"(no|7) failed trial.*bnsweep failures out --all"):
            list(details(store, wrong, "out"))


def test_failures_stored_by_an_earlier_version_are_shown_as_far_as_they_go(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    failure = {"trial_key": "a", "attempt": 1, "error": "ValueError: x", "failed_at": datetime.now(UTC)}
    commit(store, as_tables({"failures": [failure]}))
    assert any("a: spec not stored" in line for line in overview(store, with_succeeded=False))
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
    key = again.stdout.partition(":")[0]
    assert "tests/user_code/probes.py" in run("failures", tmp_path / "out", key).out
    assert run("failures", tmp_path / "nowhere").code == 2
