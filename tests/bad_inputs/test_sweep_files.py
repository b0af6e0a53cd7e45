"""Sweep files that say something impossible: `plan` and `run` refuse them, each with one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_inputs.commands import changed, require_refusal, tree
from tests.in_process import Run

LRS, SEEDS, NORMS, MLP = "[0.1, 1.0e+9]", "{range: 2}", "[none, batch, noisy_batch]", "{name: mlp, widths: [8]}"
ICS, LANDSCAPE, DIGITS = "ics: {every: 3}", "landscape: {every: 3}", "{name: digits}"

NO_TEXT = [
    (b"", r"given NoneType; a sweep file is a mapping with the keys name, model, dataset, axes"),
    (b"# all is commented out\n", r"given NoneType; a sweep file is a mapping"),
    (b"just words", r"given str; a sweep file is a mapping"),
    (b"- name: tiny", r"given list; a sweep file is a mapping"),
    (changed().encode("utf-16"), r"cannot be read \('utf-8' codec can't decode byte 0xff"),
    (changed(("tiny", "größe")).encode("latin-1"), r"cannot be read \('utf-8' codec can't decode"),
    (b"name: a\0b\n", r"not valid YAML: unacceptable character #x0000"),
    (b"name: a\x07b\n", r"not valid YAML: unacceptable character #x0007"),
    (b"name: tiny\nmodel: " + b"[" * 1000 + b"]" * 1000, r"not valid YAML: nested too deeply"),
]

YAML_TRAPS = [
    (("  norm", "\tnorm"), r"line 7, column 1: not valid YAML: found character '\\t' that cannot start any token"),
    (("probes:", "---\nname: two\n#"), r"line 10, column 1: not valid YAML: but found another document"),
    (("name: tiny", "name: !!python/object:os.system ls"), r"line 2, column 7: not valid YAML: could not determine"),
    ((LRS, "*rates"), r"line 8, column 7: not valid YAML: found undefined alias 'rates'"),
    (("{steps: 6", "{steps: 6, steps: 7"), r"line 5, column 19: not valid YAML: found duplicate key \"steps\""),
    (("name: tiny", "{a: b}: tiny"), r"line 2, column 1: not valid YAML: found unhashable key"),
    (("name: tiny", "name: &a [*a]"), r"name: given \[\[\.\.\.\]\]; it should be a valid string"),
    (("name: tiny", "name: 2020-01-01"), r"name: given datetime\.date.*; it should be a valid string"),
    (("name: tiny", "name: 2020-13-45"), r"not valid YAML: .*month"),
    (("name: tiny", "name: !!binary aGk="), r"name: given b'hi'; it should be a valid string"),
    (("steps: 6", "steps: !!int six"), r"not valid YAML: .*'six'"),
    (("steps: 6", f"steps: 1{'0' * 5000}"), r"not valid YAML: .*digits"),
    (("steps: 6", "steps: 1:30"), r"train\.steps: given '1:30'; it should be a valid integer"),
    (("steps: 6", "steps: true"), r"train\.steps: given true; it should be a valid integer"),
    (("[none", "[no"), r"axes\.norm: given 'no'; allowed: .*did you mean 'none'\?"),
    (("[none", "[null"), r"axes\.norm: given .*; allowed: .*none"),
    ((NORMS, "!!set {none, batch}"), r"axes\.norm: given \{.*\}; it should be a list, or one of values"),
]

WRONG_KEYS = [
    (("name: tiny", "3: tiny"), r"3: unknown key '3'; allowed: axes, dataset, "),
    (("name: tiny\n", ""), r"name: missing$"),
    (("name: tiny", "name: null"), r"name: given null; it should be a valid string"),
    (("name: tiny", "name: ''"), r"name: given ''; it should consist of letters, digits and _ \. - alone"),
    (("name: tiny", "name: ../up"), r"name: given '\.\./up'; it should consist of letters"),
    (("name: tiny", f"name: {'a' * 300}"), r"results/a+: the name a+ is longer than 255 bytes; give a shorter one"),
    (("  norm:", "  3: [1]\n  norm:"), r"axes.*3.*; allowed: "),
    (("  norm:", "  '': [1]\n  norm:"), r"axes\.: unknown key ''; allowed: .*norm"),
    (
        ("  norm:", "  model: [{name: mlp}]\n  norm:"),
        r"axes\.model: unknown key 'model'; .*did you mean 'model\.name'\?",
    ),
    (("  norm:", "  resources.cpus: [1]\n  norm:"), r"axes\.resources\.cpus: unknown key 'resources\.cpus'; allowed: "),
    (("steps: 6", "3: 6"), r"train\[3\]: given 3; it should have keys that are strings"),
    ((MLP, "{name: 'a:b', 3: 4}"), r"model\[3\]: given 3; it should have keys that are strings"),
    ((MLP, "null"), r"model: given null; it should be a mapping"),
    ((MLP, "[mlp]"), r"model: given \['mlp'\]; it should be a mapping"),
    ((MLP, "{}"), r"model: missing; it needs a name: deep_linear, mlp, "),
    ((MLP, "{name: 'a:b:c'}"), r"model\.name: given 'a:b:c'; it should be package\.module:callable"),
    ((MLP, "{name: '.mine:net'}"), r"model\.name: given '\.mine:net'; it should be package\.module:callable"),
    ((ICS, "'my probe:x': {every: 1}"), r"probes\.my probe:x.*: given 'my probe:x'; it should be package\.module"),
    (("axes:", "axes: lr\nx:"), r"x: unknown key 'x'; allowed: axes, "),
    (("axes:", "resources: null\naxes:"), r"resources: given null; it should be a mapping"),
    (("axes:", "lr: 0.1\naxes:"), r"lr: given both as a fixed value and in axes; keep one of the two"),
]

WRONG_VALUES = [
    ((LRS, "[.nan]"), r"axes\.lr: given nan; it should be"),
    ((LRS, "[-.inf]"), r"axes\.lr: given -inf; it should be greater than 0"),
    ((LRS, "[1e400]"), r"axes\.lr: given inf; it should be less than or equal to 1e30"),
    ((LRS, "[fast]"), r"axes\.lr: given 'fast'; it should be a valid number"),
    ((LRS, "[[0.1]]"), r"axes\.lr: given \[0\.1\]; it should be a valid number"),
    ((LRS, "{values: 0.1}"), r"axes\.lr\.values: given 0\.1; it should be a list"),
    ((LRS, "{logspace: [1, 10, 3.0]}"), r"axes\.lr\.logspace: given count 3\.0; it should be a whole number"),
    (
        (LRS, "{logspace: [.nan, 1, 3]}"),
        r"axes\.lr\.logspace: given \[nan, 1, 3\]; it should be \[first, last, count\]",
    ),
    ((LRS, "{logspace: [1, 1.0000001, 3]}"), r"axes\.lr: 1\.0 is given twice, which declares the same trials twice"),
    ((LRS, "{linspace: [-1.0e+308, 1.0e+308, 3]}"), r"axes\.lr.*: given "),
    ((SEEDS, "{range: [3, 1]}"), r"axes\.seed: an empty axis leaves no trials; give at least one value"),
    ((SEEDS, "{range: [0, 10, 2]}"), r"axes\.seed\.range: given \[0, 10, 2\]; it should be a count such as 3"),
    ((SEEDS, "{range: 1048577}"), r"axes\.seed\.range: given 1048577 points; a sweep has at most 1048576 trials"),
    ((SEEDS, f"{{range: 1{'0' * 30}}}"), r"axes\.seed\.range: given 10+ points; a sweep has at most 1048576 trials"),
    ((SEEDS, "{range: 2, values: [1]}"), r"axes\.seed: given \{.*\}; it should be a list, or one of values, logspace"),
    ((SEEDS, "[9223372036854775808]"), r"axes\.seed: given 9223372036854775808; it should be less than"),
    (
        ("steps: 6", "steps: 6, optimizer: AdamW"),
        r"train\.optimizer: given 'AdamW'; .*did you mean 'adamw'\?",
    ),
    ((NORMS, "[Batch]"), r"axes\.norm: given 'Batch'; allowed: .*did you mean 'batch'\?"),
    (("[8]", "'8'"), r"model\.widths: given '8'; it should be a list"),
    (("[8]", "[-8]"), r"model\.widths\[0\]: given -8; it should be greater than 0"),
    (("[8]", f"[1{'0' * 30}]"), r"model\.widths\[0\]: given 10+; it should be less than"),
    (("eval_every: 3", f"eval_every: 1{'0' * 30}"), r"train\.eval_every: given 10+; it should be less than"),
    (("eval_every: 3", "weight_decay: -1"), r"train\.weight_decay: given -1; it should be greater than or equal to 0"),
    (("eval_every: 3", "max_loss: .nan"), r"train\.max_loss: given nan; it should be"),
    (("batch_size: 32", "batch_size: 32.0"), r"train\.batch_size: given 32\.0; it should be a valid integer"),
    (("eval_every: 3", "precision: fp16"), r"train\.precision: given 'fp16'; allowed: bf16, float32, float64, tf32"),
    (("eval_every: 3", "loss: hinge"), r"train\.loss: given 'hinge'; allowed: cross_entropy, mse"),
    (("eval_every: 3", "label_smoothing: 1"), r"train\.label_smoothing: given 1; it should be less than 1"),
    (
        ("eval_every: 3", "loss: mse, label_smoothing: 0.1"),
        r"train: label_smoothing 0\.1 is for cross_entropy; loss mse takes 0\.0",
    ),
    (("eval_every: 3", "mse_reduction: sum"), r"train: mse_reduction sum is for loss mse; cross_entropy is always a"),
    ((LANDSCAPE, "landscape: {every: 3, lr_multiples: []}"), r"probes\.landscape: needs at least one of lr_multiples"),
    ((LANDSCAPE, "landscape: {every: 3, lr_multiples: [0]}"), r"lr_multiples\[0\]: given 0; it should be greater than"),
    ((LANDSCAPE, "landscape: {every: 3, lr_multiples: [1, 1.0]}"), r"probes\.landscape.*lr_multiples.*twice"),
    ((ICS, "curvature: {every: 3, tolerance: 1}"), r"probes\.curvature\.tolerance: given 1; it should be less than 1"),
    ((ICS, "ics: {at: [first]}"), r"probes\.ics\.at\[0\]: given 'first'; it should be a valid integer"),
    ((ICS, "ics: {every: 3, start: 1000}"), r"probes\.ics\.start: the first measurement is at step 1000, and train"),
    (("axes:", "resources: {gpus: .inf}\naxes:"), r"resources\.gpus: given inf; it should be a finite number"),
    ((DIGITS, "{name: cifar10, root: 3}"), r"dataset\.root: given 3; it should be a valid string"),
    ((DIGITS, "{name: parquet, train: a}"), r"dataset\.test: missing"),
]


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(("content", "message"), NO_TEXT, ids=range(len(NO_TEXT)))
def test_a_file_that_is_no_sweep_is_refused(
    run: Run, tmp_path: Path, command: str, content: bytes, message: str
) -> None:
    (tmp_path / "tiny.yaml").write_bytes(content)
    require_refusal(run(command, "tiny.yaml"), rf"^bnsweep: tiny\.yaml: {message}")
    assert tree(tmp_path).keys() == {"tiny.yaml"}


@pytest.mark.parametrize(("change", "message"), [*YAML_TRAPS, *WRONG_KEYS, *WRONG_VALUES])
def test_what_a_sweep_file_may_not_say_is_refused(
    run: Run, tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    (tmp_path / "tiny.yaml").write_text(changed(change), encoding="utf-8")
    require_refusal(run("plan", "tiny.yaml"), message)
    assert tree(tmp_path).keys() == {"tiny.yaml"}


@pytest.mark.parametrize("name", ["folder.yaml", "loop.yaml", "nowhere.yaml", "x" * 300, ""])
def test_what_is_no_file_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    require_refusal(run("plan", name), rf"{name or '.'}: cannot be read \(.*\); give the path of a sweep file")
    assert tree(tmp_path).keys() <= {"folder.yaml", "loop.yaml"}
