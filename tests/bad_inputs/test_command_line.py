"""Options and arguments that no command takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_inputs.commands import changed, require_refusal, require_usage_error, tree
from tests.in_process import Run

USAGE = [
    (("nonsense",), r"No such command 'nonsense'"),
    (("--nonsense",), r"No such option: --nonsense"),
    (("plan",), r"Missing argument 'SWEEP'"),
    (("verify",), r"Missing argument 'DIR'"),
    (("repro", "out"), r"Missing argument 'KEY'"),
    (("plan", "tiny.yaml", "extra"), r"unexpected extra argument"),
    (("doctor", "extra"), r"unexpected extra argument"),
    (("plan", "tiny.yaml", "--out"), r"Option '--out' requires an argument"),
    (("plan", "tiny.yaml", "--outt", "x"), r"No such option: --outt .*--out"),
    (("run", "tiny.yaml", "--executor"), r"Option '--executor' requires an argument"),
    (("run", "tiny.yaml", "--checkpoint-minutes", "-1"), r"'--checkpoint-minutes'.*greater than or equal to 0"),
    (("run", "tiny.yaml", "--checkpoint-minutes", "nan"), r"'--checkpoint-minutes'.*greater than or equal to 0"),
    (("run", "tiny.yaml", "--checkpoint-minutes", "soon"), r"'--checkpoint-minutes'.*valid number"),
]
OPTIONS = [
    (("--executor", ""), r"--executor: given ''; allowed: ray, serial"),
    (("--executor", "Serial"), r"--executor: given 'Serial'; allowed: ray, serial; did you mean 'serial'\?"),
    (("--executor", "serial", "--address", "auto"), r"--address auto: goes with --executor ray; serial runs in this"),
    (("--executor", "serial", "--workers", "2"), r"--workers 2: goes with --executor ray; serial is one worker"),
    (("--address", "127.0.0.1"), r"--address: given '127\.0\.0\.1'; it should be auto, or host:port"),
    (("--address", ":6379"), r"--address: given ':6379'; it should be auto, or host:port"),
    (("--address", "127.0.0.1:abc"), r"--address: given '127\.0\.0\.1:abc'; it should be auto, or host:port"),
    (("--address", "http://127.0.0.1:1"), r"--address: given 'http://127\.0\.0\.1:1'; it should be auto, or host:port"),
    (("--address", "127.0.0.1:1"), r"--address 127\.0\.0\.1:1: no Ray cluster answers there \(.*refused\); give auto"),
    (("--address", "127.0.0.1:99999"), r"--address 127\.0\.0\.1:99999: no Ray cluster answers there"),
    (("--address", "no.such.host.invalid:1"), r"--address no\.such\.host\.invalid:1: no Ray cluster answers there"),
    (("--address", "two..dots:1"), r"--address two\.\.dots:1: no Ray cluster answers there"),
    (("--address", f"{'a' * 100}:1"), r"--address a+:1: no Ray cluster answers there"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=[" ".join(entry[0]) for entry in USAGE])
def test_a_command_line_that_is_none_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "tiny.yaml").write_text(changed())
    require_usage_error(run(*arguments), message)
    assert tree(tmp_path).keys() == {"tiny.yaml"}


@pytest.mark.parametrize(("options", "message"), OPTIONS, ids=[" ".join(entry[0])[:40] for entry in OPTIONS])
def test_an_option_that_run_cannot_use_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "tiny.yaml").write_text(changed())
    require_refusal(run("run", "tiny.yaml", *options), message)
    assert tree(tmp_path).keys() == {"tiny.yaml"}
