"""What Tab offers: asked of a real bash, as far as that is about the shell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bnsweep.cli.completion import cluster_files, results_directories, shipped_files, sweep_files
from bnsweep.cli.setting_words import setting_words
from bnsweep.cli.shipped import shipped
from bnsweep.errors import InputError
from bnsweep.spec.sweep import Sweep
from bnsweep.spec.trial import AXES, TrialSpec
from tests.conftest import TINY

TAB = """
tab() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
  $(complete -p bnsweep | sed 's/.*-F \\([^ ]*\\) .*/\\1/') bnsweep
  echo "${COMPREPLY[*]}"
}
"""


@pytest.fixture
def bash(tmp_path: Path) -> Callable[..., list[str]]:
    """Run lines in a bash whose user has a home of its own, and `bnsweep` on the PATH; return what they print."""
    for folder in ("bin", "home", "work"):
        (tmp_path / folder).mkdir()
    program = tmp_path / "bin/bnsweep"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bnsweep "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"HOME": str(tmp_path / "home"), "PATH": f"{program.parent}:{os.environ['PATH']}"}

    def run(*lines: str) -> list[str]:
        command = ["bash", "--norc", "-c", "\n".join(lines)]
        result = subprocess.run(
            command, env=environment, cwd=tmp_path / "work", check=True, capture_output=True, text=True
        )
        assert not result.stderr
        return result.stdout.splitlines()

    return run


def test_tab_completes_once_it_is_installed(bash: Callable[..., list[str]], tmp_path: Path) -> None:
    bash("bnsweep --install-completion && true")  # else bash makes way for it, and no shell is to be found
    (tmp_path / "work/first").mkdir()
    (tmp_path / "work/first/tiny.yaml").write_text(TINY)
    commands, sweeps, field, values, widths, nothing = bash(
        'source "$HOME/.bashrc"',
        TAB,
        "tab bnsweep f",
        "tab bnsweep run fi",
        "tab bnsweep run first/tiny.yaml --set train.st",
        "tab bnsweep run first/tiny.yaml --set train.opt",
        "tab bnsweep plan --no-timing first/tiny.yaml --set model.w",
        "tab bnsweep run nowhere/",
    )
    assert commands == "failures fetch"
    assert sweeps == "first/tiny.yaml"
    assert field.split() == ["train.steps=", "train.step_at=", "train.step_factor="]
    assert values.split() == [f"train.optimizer={name}" for name in ("", "sgd", "adam", "adamw")]
    assert widths.split() == ["model.widths=", "model.widths=[8]"]
    assert nothing == ""  # and bash completes files


def test_files_and_directories_are_told_by_what_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "results/mini/trials", "results/other"):
        Path(folder).mkdir(parents=True)
    Path("a/sweep.yaml").write_text("# A sweep.\nname: x\n")
    Path("a/cluster.yaml").write_text("cluster_name: x\n")
    Path("a/damaged.yaml").write_bytes(b"\xff\xfe")
    assert sweep_files("") == sweep_files("a/") == sweep_files("a/s") == ["a/sweep.yaml"]
    assert sweep_files("./a/") == ["./a/sweep.yaml"]
    assert cluster_files("") == ["a/cluster.yaml"]
    assert results_directories("") == results_directories("results/") == results_directories("r") == ["results/mini"]
    assert sweep_files("b") == results_directories("a") == []
    assert shipped_files("") == [file.name for file in shipped()]


def offered(text: str, incomplete: str) -> set[str]:
    """Return every word that one comes to by Tab."""
    words = set[str]()
    for word in setting_words(text, incomplete):
        words |= offered(text, word) if word.endswith(".") else {word}
        words |= set(setting_words(text, word)) if word.endswith("=") else set()
    return words


@pytest.mark.long
def test_every_field_of_a_trial_is_offered_and_nothing_that_is_unknown(sweep_file: Callable[..., Path]) -> None:
    path = sweep_file()
    words = offered(path.read_text(), "")
    keys = {word.partition("=")[0] for word in words}
    train = TrialSpec.model_fields["train"].annotation.model_fields
    assert {*AXES, *(f"axes.{axis}" for axis in AXES), *(f"train.{name}" for name in train)} <= keys
    assert {"model.widths", "dataset.name", "probes", "probes.landscape.every", "resources.gpus"} <= keys
    answers = [answer(path, word) for word in words if not word.endswith(("=", "["))]
    assert len(answers) > 50
    assert not [text for text in answers if "unknown" in text]


def answer(path: Path, setting: str) -> str:
    """Return what is said of a setting; nothing where it is taken. Some do not go with the others of the file."""
    try:
        Sweep.from_yaml(path, [setting])
    except InputError as error:
        return str(error)
    return ""


def test_fields_of_ones_own_and_what_can_be_left_out_come_from_the_file() -> None:
    text = 'model: {name: "mine:net", depth: 3}\naxes: {model.width: [8, 16]}\n'
    assert setting_words(text, "model.d") == ["model.depth=", "model.depth=3"]
    assert "axes.model.width=" in setting_words(text, "axes.model.")
    assert setting_words(text, "~") == ["~model", "~model.", "~axes", "~axes."]
    assert setting_words(text, "~axes.") == ["~axes.model.width"]


@pytest.mark.parametrize("text", ["", "[1, 2]", "model: vgg", "a: [", "model: {name: 3}", "axes: 3"])
def test_a_file_that_is_no_sweep_file_yet_does_not_matter(text: str) -> None:
    assert setting_words(text, "train.ste")[0] == "train.steps="
