"""Where results cannot be: `--out` and DIR that no command can use, on this machine and on object storage."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bnsweep.results import Store
from tests.bad_inputs.commands import changed, require_refusal, tree
from tests.in_process import Run
from tests.s3 import BUCKET, s3_uri

RUN = ("run", "tiny.yaml", "--executor", "serial", "--out")
PLAN = ("plan", "tiny.yaml", "--out")
DEAD = "127.0.0.1:1"

OUT = [
    ("a_file", r"--out .*/a_file: .*/a_file is not a directory; give a directory or a new name"),
    ("a_file/below", r"--out .*/a_file/below: .*/a_file is not a directory"),
    ("dangling", r"--out .*/dangling: .*/dangling is not a directory"),
    ("loop", r"--out .*/loop: .*/loop is not a directory"),
    ("/proc/results", r"--out /proc/results: /proc cannot be written \(.*\); give a directory that can"),
    ("x" * 300, r"--out .*: the name x+ is longer than 255 bytes; give a shorter one"),
    ("x/" * 2500, r"--out: a path of \d+ bytes; give a shorter one of at most 4096"),
    ("gopher://x", r"--out gopher://x: cannot be opened \(no such kind of store; there are s3, gs, "),
    ("://x", r"--out ://x: cannot be opened \(no such kind of store"),
    ("file://elsewhere/x", r"--out file://elsewhere/x: cannot be opened \(elsewhere is another machine"),
    ("file:///proc/x", r"--out /proc/x: /proc cannot be written"),
    ("s3://", r"--out s3://: names no bucket; give a path or a URI such as s3://bucket/folder"),
    ("s3:///x", r"--out s3:///x: names no bucket"),
    ("s3://me:secret@bucket/x?nonsense=1", r"--out s3://bucket/x\?nonsense=1: cannot be opened .*'nonsense'"),
    ("gs://bucket/x?nonsense=1", r"--out gs://bucket/x\?nonsense=1: cannot be opened .*'nonsense'"),
]


@pytest.mark.parametrize("command", [PLAN, RUN], ids=["plan", "run"])
@pytest.mark.parametrize(("out", "message"), OUT, ids=[out[:30] for out, _ in OUT])
def test_results_cannot_go_there(run: Run, tmp_path: Path, command: tuple[str, ...], out: str, message: str) -> None:
    (tmp_path / "tiny.yaml").write_text(changed())
    (tmp_path / "a_file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    before = tree(tmp_path)
    result = run(*command, out)
    require_refusal(result, message)
    assert "secret" not in result.err
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", ["report", "verify", "compact"])
@pytest.mark.parametrize("place", ["nowhere", "a_file", "dangling", "loop"])
def test_what_is_no_directory_is_said(run: Run, tmp_path: Path, command: str, place: str) -> None:
    (tmp_path / "a_file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    before = tree(tmp_path)
    require_refusal(run(command, place), rf"{place}: no such directory; give the --out of a `bnsweep run`")
    assert tree(tmp_path) == before


COMMANDS = [["report"], ["verify"], ["compact"], ["failures"], ["ls"], ["status"], ["repro", "ab"], ["compare", "out"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("given", ["few", "few.yaml", "results/few2", "folder/few"])
def test_a_name_in_the_place_of_a_directory_is_told_which_is_meant(
    run: Run, tmp_path: Path, finished: Path, command: list[str], given: str
) -> None:
    shutil.copytree(finished / "out", tmp_path / "results/few")
    (tmp_path / "folder/few").mkdir(parents=True)
    name, *more = command
    require_refusal(run(name, given, *more), r"; did you mean 'results/few'\?")


def test_a_report_of_a_directory_without_results_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/notes.txt").write_text("mine")
    require_refusal(run("report", "photos"), r"photos: holds no finished trial; `bnsweep run` puts them there")
    require_refusal(run("repro", "photos", "ab"), r"photos: holds no results of bnsweep; give the --out")
    assert tree(tmp_path).keys() == {"photos", "photos/notes.txt"}


REPORT_OUT = [
    ("few.yaml", r"/few\.yaml is not a directory; give --out"),
    ("few.yaml/x", r"/few\.yaml/x is not a directory; give --out"),
    (".", r"holds other things \(few\.yaml, out\); give --out"),
    ("out", r"/out holds other things \(_.*, .*\); give --out"),
    ("/proc/x", r"/proc/x cannot be written \(.*\); give --out"),
    ("x" * 300, r"xxx: File name too long; give --out"),
    ("s3://bucket/x", r"s3://bucket/x.*this machine"),
]


@pytest.mark.parametrize(("out", "message"), REPORT_OUT, ids=[out[:30] for out, _ in REPORT_OUT])
def test_a_report_cannot_go_there(run: Run, tmp_path: Path, finished: Path, out: str, message: str) -> None:
    os.symlink(finished / "few.yaml", tmp_path / "few.yaml")
    os.symlink(finished / "out", tmp_path / "out")
    before = tree(tmp_path), tree(finished)
    require_refusal(run("report", finished / "out", "--out", out), message)
    assert (tree(tmp_path), tree(finished)) == before


@pytest.mark.parametrize(("key", "message"), [("zz", "no finished trial begins"), ("", "3 trials begin with it")])
def test_a_key_that_names_no_one_trial_is_refused(run: Run, finished: Path, key: str, message: str) -> None:
    before = tree(finished)
    require_refusal(run("repro", finished / "out", key), rf"{key}: {message}.*; give a trial_key of .*/trials")
    assert tree(finished) == before


def test_a_directory_that_is_held_is_left_alone(run: Run, tmp_path: Path, finished: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(changed())
    out, before = finished / "out", tree(finished)
    with Store.open(out).take_over():
        before = tree(finished)
        for command in ((*RUN, out), ("compact", out), ("verify", out, "--repair")):
            require_refusal(run(*command), rf"out: held by another run \(host .*, pid {os.getpid()}, since .*UTC\)")
    assert tree(finished) == before


@pytest.mark.parametrize("command", [PLAN, RUN], ids=["plan", "run"])
def test_a_bucket_that_is_not_there_is_named(run: Run, tmp_path: Path, endpoint: str, command: tuple[str, ...]) -> None:
    (tmp_path / "tiny.yaml").write_text(changed())
    result = run(*command, s3_uri(endpoint, "x").replace(BUCKET, "no-such-bucket"))
    require_refusal(result, r"--out s3://no-such-bucket/x: cannot be written \(.*; the bucket should exist, and for")
    assert tree(tmp_path).keys() == {"tiny.yaml"}


def test_a_folder_of_a_bucket_without_results_is_said(run: Run, tmp_path: Path, endpoint: str) -> None:
    uri = s3_uri(endpoint, "never")
    for command in ("verify", "compact"):
        require_refusal(run(command, uri), r"never.*: no such directory; give the --out of a `bnsweep run`")
    require_refusal(run("report", uri), r"is not on this machine; say where to write with --out")
    require_refusal(run("report", uri, "--out", "page"), r"never.*: no such directory")
    require_refusal(run("repro", uri, "ab"), r"never.*: no such directory; give the --out of a `bnsweep run`")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("command", ["plan", "run", "verify", "compact", "repro"])
def test_an_object_store_that_is_away_is_no_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, command: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-nobody")
    (tmp_path / "tiny.yaml").write_text(changed())
    uri = s3_uri(DEAD, "x")
    arguments = {"plan": (*PLAN, uri), "run": (*RUN, uri), "repro": ("repro", uri, "ab")}.get(command, (command, uri))
    result = run(*arguments)
    assert result.code == 1, result.err
    assert result.out == ""
    assert "Traceback" not in result.err
    assert "cannot be " in result.err
    assert "error sending request" in result.err
    assert "what was committed is unharmed; once this is mended, the same command continues" in result.err
    assert tree(tmp_path).keys() == {"tiny.yaml"}
