"""The first files of a new user: written once, and sweeps that run."""

from __future__ import annotations

import hashlib
import pickle
import re
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from torchvision.datasets import CIFAR10

from bnsweep.cli.init import SCHEMA, STARTERS
from bnsweep.cli.shipped import Shipped, root, shipped
from bnsweep.spec.sweep import Sweep
from tests.bad_inputs.commands import require_refusal, tree
from tests.in_process import Run

SWEEPS = [name for name in STARTERS if name.endswith(".yaml")]
FEW = ("--set", "train.steps=4", "--set", "axes.lr=[0.1]", "--set", "axes.seed=[0]")
PER_FILE = 20


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and prints nothing."""

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have torchvision download a CIFAR-10 of 120 images, from a server of this process."""
    folder = tmp_path / "served" / CIFAR10.base_folder
    folder.mkdir(parents=True)

    def write(name: str, content: object) -> list[str]:
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    def batch(number: int, name: str) -> list[str]:
        images = np.random.default_rng(number).integers(0, 256, (PER_FILE, 3072), dtype=np.uint8)
        return write(name, {"data": images, "labels": [image % 10 for image in range(PER_FILE)]})

    train = [batch(number, f"data_batch_{number}") for number in range(1, 6)]
    monkeypatch.setattr(CIFAR10, "train_list", train)
    monkeypatch.setattr(CIFAR10, "test_list", [batch(6, "test_batch")])
    name, checksum = write("batches.meta", {"label_names": [str(number) for number in range(10)]})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": name, "key": "label_names", "md5": checksum})
    packed = tmp_path / "served" / CIFAR10.filename
    with tarfile.open(packed, "w:gz") as file:
        file.add(folder, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(packed.read_bytes()).hexdigest())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=packed.parent)) as server:
        Thread(target=server.serve_forever).start()
        monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/{packed.name}")
        yield
        server.shutdown()


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("name", SWEEPS)
def test_what_is_written_is_a_sweep_that_runs(name: str, tmp_path: Path, run: Run) -> None:
    written = run("init")
    assert written.code == 0, written.err
    assert written.out.endswith("next: bnsweep run digits.yaml\n")
    sweep = Sweep.from_yaml(name)
    assert sweep.name == Path(name).stem
    assert f"# {len(sweep.trials)} trials " in sweep.text
    assert f"$schema={SCHEMA}\n" in sweep.text
    commands = re.findall(rf"^#   bnsweep (\w+) (?:{name}|results/{sweep.name}) ", sweep.text, re.MULTILINE)
    assert commands == ["plan", "run", "report"]
    limits = () if name != "cifar10.yaml" else ("--set", "dataset.train_limit=80", "--set", "dataset.test_limit=10")
    assert f"{len(sweep.trials)} missing" in run("plan", name, "--no-timing").out
    ran = run("run", name, "--executor", "serial", *FEW, *limits)
    sys.modules.pop("own_model", None)
    assert ran.code == 0, ran.out + ran.err
    assert "one full pass" not in ran.out
    results = tmp_path / "results" / sweep.name
    trials = pd.read_parquet(results / "trials")
    assert set(trials["norm"]) == {"none", "batch"}
    for table in ("landscape", "ics"):
        assert set(pd.read_parquet(results / table).trial_key) == set(trials["trial_key"])


def test_nothing_is_overwritten(tmp_path: Path, run: Run) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/cifar10.yaml").write_text("name: mine\n")
    before = tree(tmp_path)
    require_refusal(run("init", "mine"), r"^bnsweep: mine/cifar10\.yaml: there already, .* give another DIR")
    assert tree(tmp_path) == before


def test_again_only_what_is_missing_is_written(tmp_path: Path, run: Run) -> None:
    first = run("init", "new folder")
    assert "next: cd 'new folder' && bnsweep run digits.yaml" in first.out
    before = tree(tmp_path)
    assert {f"new folder/{name}" for name in (*STARTERS, SCHEMA)} | {"new folder"} == before.keys()
    require_refusal(run("init", "new folder"), r"new folder/digits\.yaml, .*own_model\.py, .*: there already")
    (tmp_path / "new folder/own_model.py").unlink()
    again = run("init", "new folder")
    assert re.findall(r"^wrote (.*?): ", again.out, re.MULTILINE) == ["new folder/own_model.py"]
    assert tree(tmp_path) == before


def test_a_place_that_is_none_is_refused(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").write_text("")
    require_refusal(run("init", "file"), r"file.*: cannot be written \(.*\); give another DIR")
    require_refusal(run("init", "s3://bucket/x"), r"sweep files lie on this machine")
    require_refusal(run("init", "--list", "--from", "mini"), r"--list: goes without --from")
    assert tree(tmp_path).keys() == {"file"}


def test_what_comes_with_bnsweep_is_listed_with_what_it_is(run: Run) -> None:
    *lines, last = run("init", "--list").out.splitlines()
    assert [line.split()[0] for line in lines] == [file.name for file in shipped()]
    assert {path.name for path in root().glob("sweeps/*.yaml")} <= {Path(line.split()[0]).name for line in lines}
    assert all(len(line.split(maxsplit=1)[1]) > 20 for line in lines)
    assert "--from NAME" in last


def test_one_of_them_comes_with_what_it_names(tmp_path: Path, run: Run) -> None:
    told = run("init", "--from", "variants_cpu").out
    assert told.endswith("next: bnsweep plan sweeps/variants_cpu.yaml\n")
    assert tree(tmp_path / "sweeps").keys() == {"variants_cpu.yaml", "variants.py", SCHEMA}
    text = (root() / "sweeps/variants_cpu.yaml").read_text()
    assert (tmp_path / "sweeps/variants_cpu.yaml").read_text() == text.replace(f"../docs/{SCHEMA}", SCHEMA)
    assert run("init", "--from", "sweeps/mini.yaml").code == 0  # beside the schema that is there
    require_refusal(run("init", "--from", "mini"), r"sweeps/mini\.yaml, .*: there already")
    run("init", "there", "--from", "cluster/gpu")
    assert tree(tmp_path / "there/cluster").keys() == {"gpu.yaml", "aws.yaml", "Dockerfile", "spot_first.py"}


@pytest.mark.parametrize("file", shipped(), ids=lambda file: file.name)
def test_each_can_be_written(file: Shipped, tmp_path: Path, run: Run) -> None:
    result = run("init", "--from", file.name)
    assert result.code == 0, result.err
    assert (tmp_path / file.name).exists()


def test_a_name_that_is_none_or_of_two_is_refused(tmp_path: Path, run: Run) -> None:
    require_refusal(run("init", "--from", "gpu"), r"2 files have that name; give sweeps/gpu\.yaml or cluster/gpu\.yaml")
    require_refusal(run("init", "--from", "minni"), r"no such file; allowed: .*; did you mean 'mini'\?")
    assert not tree(tmp_path)
