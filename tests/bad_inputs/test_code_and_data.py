"""Models, datasets and probes that cannot be used: `run` says which key names them, and why, and writes nothing."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from bnsweep.error_texts import with_place
from tests.bad_inputs.commands import Change, changed, require_refusal, tree
from tests.in_process import Run
from tests.user_code import unusable

RUN = ("run", "tiny.yaml", "--executor", "serial")
MLP, DIGITS, ICS, NORMS = "{name: mlp, widths: [8]}", "{name: digits}", "ics: {every: 3}", "[none, batch, noisy_batch]"
OWN = "tests.user_code.unusable"


def refused(run: Run, tmp_path: Path, message: str, *changes: Change) -> None:
    """Check that a run of TINY with these changes is refused, and leaves what was there."""
    (tmp_path / "tiny.yaml").write_text(changed(*changes), encoding="utf-8")
    before = tree(tmp_path)
    require_refusal(run(*RUN), message)
    assert tree(tmp_path) == before


MODELS = [
    (f"{OWN}:exits", r"unusable:exits .*SystemExit: 3"),
    (f"{OWN}:recurses", r"unusable:recurses fails when called for norm batch: RecursionError: .*unusable\.py:\d+\)"),
    (f"{OWN}:runs_out", r"unusable:runs_out fails when called for norm batch: MemoryError"),
    (
        f"{OWN}:says_much",
        r"says_much fails when called for norm batch: ValueError: the first line.*unusable\.py:\d+\)",
    ),
    (f"{OWN}:nothing", r"unusable:nothing returned a NoneType; it should return a torch\.nn\.Module"),
    (f"{OWN}:yields", r"unusable:yields returned a generator; it should return a torch\.nn\.Module"),
    (f"{OWN}:Hollow", r"unusable:Hollow returned a Hollow; .* set up by super\(\)\.__init__\(\)"),
    (
        f"{OWN}:three_classes",
        r"unusable:three_classes gives \(2, 3\) on a batch \(2, 1, 8, 8\); it should give \(2, 10\)",
    ),
    (f"{OWN}:frozen", r"unusable:frozen has no weight layer: no trainable linear or convolution module"),
    (f"{OWN}:in_float64", r"unusable:in_float64 fails on a batch \(2, 1, 8, 8\): RuntimeError: .*dtype"),
    (f"{OWN}:negative_site", r"given norm\(-3, None\); it takes the channels and \(height, width\), or None"),
    (f"{OWN}:wrong_site", r"unusable:wrong_site fails on a batch \(2, 1, 8, 8\): RuntimeError"),
    (f"{OWN}:linear", r"unusable:linear cannot be called with input_shape, num_classes, norm: got an unexpected"),
    (f"{OWN}:detached", r"unusable:detached, norm batch: its output has no gradient: nothing would be trained"),
    (f"{OWN}:CONSTANT", r"unusable:CONSTANT is a int; it should be callable"),
    (
        f"{OWN}:nowhere",
        r"unusable:nowhere cannot be loaded \(module .* has no attribute 'nowhere'\); allowed: .*exits",
    ),
    ("no_such_package:net", r"no_such_package:net cannot be loaded \(No module named 'no_such_package'\)"),
    ("json.nowhere:net", r"json\.nowhere:net cannot be loaded \(No module named 'json\.nowhere'\)"),
]


@pytest.mark.parametrize(("name", "message"), MODELS, ids=[name for name, _ in MODELS])
def test_a_model_that_cannot_be_used_is_refused(run: Run, tmp_path: Path, name: str, message: str) -> None:
    key = r"(norm|model\.name): "
    refused(run, tmp_path, f"^bnsweep: {key}.*{message}", (MLP, f"{{name: '{name}'}}"), (NORMS, "[batch]"))


DATASETS = [
    (f"{OWN}:exits", r"unusable:exits .*SystemExit: 3"),
    (f"{OWN}:says_much", r"unusable:says_much fails when called: ValueError: the first line.*unusable\.py:\d+\)"),
    (f"{OWN}:nothing", r"returned a NoneType; it should return \(train_x, train_y, test_x, test_y\)"),
    (f"{OWN}:one_class", r"has one class; at least two are needed to learn anything"),
    ("json:dumps", r"json:dumps cannot be called with no options: missing a required argument: 'obj'"),
    ("sys:maxsize", r"sys:maxsize is a int; it should be callable"),
]


@pytest.mark.parametrize(("name", "message"), DATASETS, ids=[name for name, _ in DATASETS])
def test_a_dataset_that_cannot_be_used_is_refused(run: Run, tmp_path: Path, name: str, message: str) -> None:
    refused(run, tmp_path, rf"^bnsweep: dataset\.name: .*{message}", (DIGITS, f"{{name: '{name}'}}"))


PROBES = [
    (f"'{OWN}:exits': {{every: 3}}", r"unusable:exits .*SystemExit: 3"),
    (f"'{OWN}:nothing': {{every: 3}}", r"what it returns should be callable and have a table and columns"),
    (f"'{OWN}:probe': {{every: 3, table: trials}}", r"its table is 'trials'; it should be a name of its own"),
    (f"'{OWN}:probe': {{every: 3, table: _hidden}}", r"its table is '_hidden'; it should be a name of its own"),
    (
        f"'{OWN}:probe': {{every: 3, power: 2}}",
        r"unusable:probe cannot be called with power: got an unexpected keyword",
    ),
    (f"'{OWN}:probe': {{every: 3}}, '{OWN}:probe_again': {{every: 3}}", r"another probe's table is 'mine' already"),
    (f"'{OWN}:nowhere': {{every: 3}}", r"unusable:nowhere cannot be loaded \(module .* has no attribute 'nowhere'\)"),
    ("ics: {log_spaced: 1000000000000}", r"ics.*1000000000000.* less than or equal to 1000000"),
]


@pytest.mark.parametrize(("section", "message"), PROBES, ids=[section for section, _ in PROBES])
def test_a_probe_that_cannot_be_used_is_refused(run: Run, tmp_path: Path, section: str, message: str) -> None:
    refused(run, tmp_path, rf"probes\..*{message}", (ICS, section))


def test_code_that_fails_only_in_training_fails_the_trials_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(changed((ICS, f"'{OWN}:probe': {{every: 3}}")))
    result = run(*RUN)
    assert (result.code, result.err) == (1, "")
    assert "0 diverged, 12 failed" in result.out
    assert "bnsweep failures results/tiny" in result.out
    place = re.escape(f"{Path(unusable.__file__)}:")
    assert re.search(rf"12 trials: RuntimeError at {place}\d+: ", result.out)
    for row in pq.read_table(tmp_path / "results/tiny/failures").to_pylist():
        assert re.match(rf"RuntimeError at {place}\d+: ", row["error"])
    again = run("repro", "results/tiny", row["trial_key"])
    assert re.search(rf"^failed: 1 time, .*: RuntimeError at {place}\d+: ", again.out, re.MULTILINE)
    assert again.out.endswith("fails again, by the same error\n")


def test_an_error_in_a_layer_of_torchs_names_the_line_of_ones_own_that_leads_there() -> None:
    layer = torch.nn.Linear(3, 2)
    with pytest.raises(RuntimeError) as raised:
        layer(torch.zeros(1, 4))
    line = sys._getframe().f_lineno - 1
    assert with_place(raised.value).startswith(f"RuntimeError at {os.path.relpath(__file__)}:{line}: mat1 and mat2")


def test_an_error_in_a_sequence_of_layers_names_the_layer(run: Run, tmp_path: Path) -> None:
    message = r"unusable:wrong_size fails on a batch .*: RuntimeError: mat1 and mat2 .*\(in its layer 1\.0, Linear\)"
    refused(run, tmp_path, message, (MLP, f"{{name: '{OWN}:wrong_size'}}"), (NORMS, "[batch]"))


MISTYPED = [
    (f"{OWN}:Holow", r"has no attribute 'Holow'\); .*did you mean 'Hollow'\?"),
    (f"{OWN}:wrong_size', depth: '3", r"wrong_size cannot be called with .*unexpected keyword argument 'depth'"),
    (
        "no_such_package:net",
        r"there is no such module in .*, where you are, .*start bnsweep in the folder that",
    ),
]


@pytest.mark.parametrize("command", [("plan", "--no-timing"), ("plan",), ("run",)], ids=" ".join)
@pytest.mark.parametrize(("name", "message"), MISTYPED)
def test_what_names_no_code_is_refused_before_anything_starts(
    run: Run, tmp_path: Path, command: tuple[str, ...], name: str, message: str
) -> None:
    (tmp_path / "tiny.yaml").write_text(changed((MLP, f"{{name: '{name}'}}")), encoding="utf-8")
    result = run(*command, "tiny.yaml")
    require_refusal(result, rf"model\.name: .*{message}")
    assert "starting Ray" not in result.out


SIZES = [
    (("mlp, widths: [8]", "vgg, widths: [8, M, M, M, M]"), r"model\.widths: 4 poolings .* at most 3 M fit"),
    (("mlp, widths: [8]", "vgg, widths: [1000000000]"), r"model: .*1000000000.* cannot be built"),
    (("[8]}\ndataset: {name: digits", "[8]}\ndataset: {name: gaussian, samples: 1000000000"), r"GiB in memory"),
    ((NORMS, "[instance]"), r"norm: instance normalization needs more than two positions per channel"),
    ((DIGITS, "{name: gaussian, samples: 31}"), r"train\.batch_size: given 32; the training set has 31 samples"),
    (
        ("eval_every: 3", "eval_every: 3, augment: [crops]"),
        r"augment.*'crops'; allowed: crop, flip; did you",
    ),
    (("eval_every: 3", "eval_every: 3, augment: [flip, flip]"), r"train\.augment: .*each should be there once"),
    (
        ("digits}\ntrain: {steps: 6", "gaussian}\ntrain: {augment: [flip], steps: 6"),
        r"train\.augment: flip needs images of at least 1 x 2 pixels; the samples of this dataset are 1 x 1",
    ),
    (("probes:", "resources: {gpus: 64}\nprobes:"), r"resources\.gpus: 64 asked for, \d+ found here; set gpus: 0"),
]


def test_a_loss_of_classes_on_real_targets_is_refused(run: Run, tmp_path: Path) -> None:
    message = r"train\.loss cross_entropy is for classes; dataset\.targets real take loss mse"
    refused(run, tmp_path, message, (DIGITS, "{name: gaussian, targets: real}"))
    x, y = np.zeros((40, 64), np.float32), np.zeros((40, 2))
    np.savez(tmp_path / "real.npz", train_x=x, train_y=y, test_x=x, test_y=y)
    message = r"train\.loss: cross_entropy is for classes; the targets of dataset npz are real numbers: mse"
    refused(run, tmp_path, message, (DIGITS, "{name: npz, file: real.npz}"))


@pytest.mark.parametrize(("change", "message"), SIZES, ids=[message for _, message in SIZES])
def test_sizes_that_do_not_fit_are_refused(run: Run, tmp_path: Path, change: Change, message: str) -> None:
    refused(run, tmp_path, message, change)


def png(size: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size)).save(file, "PNG")
    return file.getvalue()


def parquet(image: object = None, label: object = None, column: str = "img") -> bytes:
    """Return a file of four images."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({column: image or [png()] * 4, "label": label or [0, 1, 0, 1]}), sink)
    return bytes(sink.getvalue())


SOUND = parquet()
FILES = [
    (b"", r"dataset\.train: bad\.parquet cannot be read as Parquet \(.*0 bytes\); give an existing file"),
    (SOUND[:-30], r"dataset\.train: bad\.parquet cannot be read as Parquet \(.*\); give an existing file"),
    (b"PAR1 and no more PAR1", r"dataset\.train: bad\.parquet cannot be read as Parquet"),
    (parquet(column="image"), r"dataset\.image_column: .* has no column 'img'; .*did you mean 'image'\?"),
    (parquet(image=[1, 2, 3, 4]), r"dataset\.image_column: 'img' in bad\.parquet is int64; it should be struct<bytes"),
    (parquet(image=[b"no image"] * 4), r"dataset: the image in row 0 of bad\.parquet cannot be decoded"),
    (parquet(image=[png(), png(9)] * 2), r"dataset: the image in row 1 .* is 9x9 .*images should be of one size"),
    (parquet(image=[png(9)] * 4), r"dataset: the images in bad\.parquet are 9x9 .* in sound\.parquet 8x8"),
    (parquet(label=["a"] * 4), r"dataset\.label_column: 'label' in bad\.parquet is string .*; it should be integers"),
    (parquet(label=[0, -1, 0, 1]), r"dataset\.label_column: bad\.parquet has the label -1; labels should be 0 to"),
    (parquet(label=[0, None, 0, 1]), r"dataset\.label_column: .* 1 nulls; it should be integers"),
]


@pytest.mark.parametrize(("content", "message"), FILES, ids=[message for _, message in FILES])
def test_a_damaged_or_foreign_dataset_is_refused(run: Run, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.parquet").write_bytes(content)
    (tmp_path / "sound.parquet").write_bytes(SOUND)
    refused(run, tmp_path, message, (DIGITS, "{name: parquet, train: bad.parquet, test: sound.parquet}"))


PLACES = [
    ("{name: parquet, train: gone.parquet, test: gone.parquet}", r"dataset\.train: gone\.parquet cannot be .*No such"),
    ("{name: parquet, train: folder, test: folder}", r"dataset\.train: folder cannot be read .*directory"),
    ("{name: parquet, train: 'https://a.b/c', test: d}", r"dataset\.train: https://a\.b/c cannot be read as Parquet"),
    ("{name: npz, file: gone.npz}", r"dataset\.file: gone\.npz cannot be read as npz \(.*No such file"),
    ("{name: npz}", r"dataset\.file: missing"),
    ("{name: images, root: gone}", r"dataset\.root: gone/train cannot be read .*gone should hold train/CLASS/"),
    ("{name: images, root: folder, size: 0}", r"dataset\.size: given 0"),
    ("{name: torchvision/MNIST, root: gone}", r"dataset\.root: torchvision/MNIST cannot be read from gone .*download"),
    ("{name: torchvision/MNITS}", r"dataset\.name: given 'torchvision/MNITS'; .*did you mean 'torchvision/MNIST'\?"),
    ("{name: npz, file: a, sample_seed: 1}", r"dataset: sample_seed 1 needs a train_limit or test_limit"),
    ("{name: cifar10, root: gone}", r"dataset\.root: gone holds no folder cifar-10-batches-py; give the folder"),
    ("{name: cifar10, root: folder}", r"dataset\.root: folder/cifar-10-batches-py lacks a file or has one whose MD5"),
]


@pytest.mark.parametrize(("section", "message"), PLACES, ids=[section for section, _ in PLACES])
def test_a_dataset_that_is_not_there_is_refused(run: Run, tmp_path: Path, section: str, message: str) -> None:
    (tmp_path / "folder/cifar-10-batches-py").mkdir(parents=True)
    (tmp_path / "folder/cifar-10-batches-py/data_batch_1").write_bytes(b"damaged")
    refused(run, tmp_path, message, (DIGITS, section))
