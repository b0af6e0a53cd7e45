"""Sweep files changed on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnsweep.errors import InputError
from bnsweep.spec.overrides import overridden
from bnsweep.spec.sweep import Sweep

TEXT = """\
# what it asks
name: tiny
model: {name: mlp, widths: [8]}
dataset: {name: digits}
train: {steps: 10}  # few
axes:
  norm: [none, batch]
  lr: [0.01, 0.1]
probes:
  ics: {every: 5}
"""


def sweep_of(*settings: str) -> Sweep:
    return Sweep.from_text(overridden(TEXT, settings))


def test_a_field_of_a_section_is_set_and_comments_stay() -> None:
    text = overridden(TEXT, ["train.steps=500", "train.optimizer=adam"])
    assert "# what it asks" in text
    assert "# few" in text
    assert {(trial.train.steps, trial.train.optimizer) for trial in Sweep.from_text(text).trials} == {(500, "adam")}


def test_an_axis_is_set_by_a_list_or_by_a_range() -> None:
    assert {trial.lr for trial in sweep_of("axes.lr=[0.3, 1, 3]").trials} == {0.3, 1, 3}
    assert len(sweep_of("axes.lr={logspace: [0.01, 1, 5]}", "axes.train.momentum=[0, 0.9]").trials) == 2 * 5 * 2


def test_what_is_set_as_fixed_is_no_axis_any_more_and_the_other_way_round() -> None:
    assert {trial.lr for trial in sweep_of("lr=0.5").trials} == {0.5}
    assert {trial.train.steps for trial in sweep_of("axes.train.steps=[5, 6]").trials} == {5, 6}
    assert {trial.train.steps for trial in sweep_of("axes.train.steps=[5, 6]", "train.steps=7").trials} == {7}


def test_a_key_is_left_out_with_the_sections_that_it_leaves_empty() -> None:
    assert sweep_of("~probes.ics").trials[0].probes.ics is None
    assert "probes" not in overridden(TEXT, ["~probes.ics"])


def test_a_section_that_is_not_there_is_made() -> None:
    assert sweep_of("resources.cpus=2").resources.cpus == 2


def test_a_name_that_stands_for_a_section_takes_further_fields() -> None:
    edges = Sweep.from_text(overridden(TEXT, ["axes.lr=[0.1, 0.2, 0.4]", "search=edges", "search.first=3"]))
    assert (edges.search.name, edges.search.first) == ("edges", 3)


def test_nothing_set_is_the_very_same_text() -> None:
    assert overridden(TEXT, []) is TEXT


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("train.steps", "neither KEY=VALUE nor ~KEY"),
        ("=5", "neither KEY=VALUE nor ~KEY"),
        ("train.=5", "neither KEY=VALUE nor ~KEY"),
        ("~probes.landscape", "the sweep file has no probes.landscape to leave out"),
        ("axes.lr=[0.1", "the value is YAML"),
        ("name.x=5", "name is 'tiny', which has no fields; give it whole: --set 'name={x: ...}'"),
        ("lr=[0.1, 0.2]", "lr is an axis of the sweep file; give its values by --set 'axes.lr=[0.1, 0.2]'"),
        ("lr={logspace: [0.1, 1, 3]}", "give its values by --set 'axes.lr={logspace: [0.1, 1, 3]}'"),
    ],
)
def test_a_setting_that_is_none_is_refused_and_quoted(setting: str, text: str) -> None:
    with pytest.raises(InputError) as raised:
        overridden(TEXT, [setting])
    assert str(raised.value).startswith(f"--set {setting}: ")
    assert text in str(raised.value)


def test_a_list_is_a_value_of_an_axis_of_lists() -> None:
    text = overridden(TEXT, ["axes.model.widths=[[8], [4, 4]]", "model.widths=[2, 2]"])
    assert [trial.model.widths for trial in Sweep.from_text(text).trials][:1] == [(2, 2)]


def test_all_axes_are_set_at_once() -> None:
    assert {trial.lr for trial in sweep_of("axes={lr: [0.5, 1.5]}").trials} == {0.5, 1.5}


@pytest.mark.parametrize(
    ("settings", "told"),
    [(["lr=0.5"], ["lr"]), (["lr=0.5", "norm=batch"], ["lr", "norm"]), (["axes.lr=[1.0]", "~axes.norm"], [])],
)
def test_an_axis_that_is_fixed_is_told_with_what_keeps_it_one(
    tmp_path: Path, settings: list[str], told: list[str]
) -> None:
    (tmp_path / "tiny.yaml").write_text(TEXT)
    notes = Sweep.from_yaml(tmp_path / "tiny.yaml", settings).notes
    assert [note.partition(" is no axis any more")[0].split()[-1] for note in notes] == told
    for note, setting in zip(notes, settings, strict=False):
        assert f"--set 'axes.{setting.replace('=', '=[')}]' keeps it one" in note


MISNAMED = [
    ("trian.steps=3", "train"),
    ("axes.learning_rate=[0.1]", "lr"),
    ("axes.epochs=[1]", "train.steps"),
    ("axes.LR=[0.1]", "lr"),
    ("axes.batch_size=[2]", "train.batch_size"),
    ("train.wd=0.1", "weight_decay"),
]


@pytest.mark.parametrize(("setting", "meant"), MISNAMED)
def test_a_name_that_is_none_is_told_with_the_one_that_is_meant(tmp_path: Path, setting: str, meant: str) -> None:
    (tmp_path / "tiny.yaml").write_text(TEXT)
    with pytest.raises(InputError, match=rf"did you mean '{meant}'\?$"):
        Sweep.from_yaml(tmp_path / "tiny.yaml", [setting])


def test_what_a_setting_makes_impossible_is_told_with_file_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(TEXT)
    with pytest.raises(InputError, match=r"tiny\.yaml --set train\.steps=no: train\.steps") as raised:
        Sweep.from_yaml(path, ["train.steps=no"])
    assert str(raised.value).count("--set") == 1
    with pytest.raises(InputError, match=r"tiny\.yaml: --set lr: neither"):
        Sweep.from_yaml(path, ["lr"])
    path.write_text("[1, 2]")
    with pytest.raises(InputError, match="a sweep file is a mapping"):
        Sweep.from_yaml(path, ["lr=1"])
