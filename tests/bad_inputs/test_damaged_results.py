"""Results that were damaged: every command says which file, and what helps, and changes nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bad_inputs.commands import require_refusal, tree
from tests.in_process import Run

Damage = Callable[[Path], object]
Damaged = Callable[[Damage], Path]
RUN = ("run", "few.yaml", "--executor", "serial", "--out", "out")
PLAN, REPORT, VERIFY, COMPACT = (
    ("plan", "few.yaml", "--out", "out"),
    ("report", "out"),
    ("verify", "out"),
    ("compact", "out"),
)
REPRO = ("repro", "out", "{key}")
REPAIR = r"`bnsweep verify --repair`"
UNHARMED = r"what was committed is unharmed; once this is mended, the same command continues"


def first(pattern: str) -> Callable[[Path], Path]:
    return lambda out: sorted(out.glob(pattern))[0]


def flipped(pattern: str) -> Damage:
    def damage(out: Path) -> None:
        path = first(pattern)(out)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return damage


def cut(pattern: str, size: int = 50) -> Damage:
    return lambda out: first(pattern)(out).write_bytes(first(pattern)(out).read_bytes()[:size])


def text(name: str, content: bytes) -> Damage:
    return lambda out: (out / name).write_bytes(content)


def gone(name: str) -> Damage:
    return lambda out: shutil.rmtree(out / name)


def in_place_of(name: str, make: Callable[[Path], object]) -> Damage:
    """Remove a file or a folder and make something else of this name."""

    def damage(out: Path) -> None:
        path = out / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        make(path)

    return damage


def with_file(name: str, content: dict[str, list[object]]) -> Damage:
    return lambda out: pq.write_table(pa.table(content), out / name)


def with_column(name: str, value: str) -> Damage:
    """Give every trial this value, in files as another program writes them."""

    def damage(out: Path) -> None:
        for path in sorted(out.glob("trials/*.parquet")):
            rows = pq.read_table(path)
            values = pa.array([value] * len(rows), pa.string())
            changed = rows.set_column(rows.schema.get_field_index(name), name, values)
            pq.write_table(changed.replace_schema_metadata(), path.with_name(f"edited-{path.name}"))
            path.unlink()

    return damage


TRIALS = rf"/trials: a file is damaged \(.*{REPAIR} sets it aside, and the next run makes its trials anew"
ICS = rf"/ics: a file is damaged \(.*{REPAIR} sets it aside"
NO_FOLDER = r"cannot be read \(.*Not a directory\); it should be a directory"
REFUSED: list[tuple[str, Damage, list[tuple[str, ...]], str]] = [
    ("trials cut", cut("trials/*"), [PLAN, RUN, REPORT, COMPACT, REPRO], TRIALS),
    ("trials empty", cut("trials/*", 0), [PLAN, RUN, REPORT, COMPACT, REPRO], TRIALS),
    ("trials flipped", flipped("trials/*2.parquet"), [COMPACT], TRIALS),
    ("trials of text", with_column("lr", "fast"), [REPORT, REPRO], TRIALS),
    ("trials a file", in_place_of("trials", Path.touch), [PLAN, RUN, REPORT, COMPACT, REPRO], rf"/trials: {NO_FOLDER}"),
    ("trials gone", gone("trials"), [REPORT], r"out: holds no finished trial"),
    ("trials gone, repro", gone("trials"), [REPRO], r"no finished trial begins with it"),
    ("a folder among trials", lambda out: (out / "trials/x.parquet").mkdir(), [PLAN, RUN, REPORT, REPRO], TRIALS),
    ("a foreign table", with_file("trials/x.parquet", {"a": [1]}), [REPORT], TRIALS),
    ("a foreign table, repro", with_file("trials/x.parquet", {"a": [1]}), [REPRO], r"/trials: .*trial_key"),
    (
        "a foreign table, compact",
        with_file("trials/x.parquet", {"a": [1]}),
        [COMPACT],
        rf"x\.parquet: .*trial_key.*{REPAIR}",
    ),
    ("a spec that is none", with_column("spec", "{"), [REPRO], r"spec"),
    ("ics flipped", flipped("ics/*"), [REPORT, REPRO, COMPACT], ICS),
    ("ics cut", cut("ics/*"), [REPORT, REPRO, COMPACT], ICS),
    ("ics a file", in_place_of("ics", Path.touch), [REPORT, REPRO], rf"/ics: {NO_FOLDER}"),
    ("ics gone", gone("ics"), [COMPACT], ICS),
    ("declaration flipped", flipped("_sweep.json"), [REPORT], r"_sweep\.json: damaged \(it differs from what was"),
    ("declaration empty", text("_sweep.json", b""), [REPORT], r"_sweep\.json: damaged .*; run the sweep again"),
    ("declaration of bytes", text("_sweep.json", b"\xff\xfe\0"), [REPORT], r"_sweep\.json: damaged .*; run the sweep"),
    ("declaration a list", text("_sweep.json", b"[]"), [REPORT], r"_sweep\.json: damaged \(it differs from what was"),
    ("declaration a folder", in_place_of("_sweep.json", Path.mkdir), [REPORT], r"_sweep\.json: a directory; it should"),
]


@pytest.mark.parametrize(
    ("damage", "commands", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_damage_is_named_and_nothing_changed(
    run: Run,
    tmp_path: Path,
    finished: Path,
    damaged: Damaged,
    damage: Damage,
    commands: list[tuple[str, ...]],
    message: str,
) -> None:
    key = pq.read_table(finished / "out/trials")["trial_key"][0].as_py()
    damaged(damage)
    before = tree(tmp_path)
    for command in commands:
        require_refusal(run(*(argument.format(key=key) for argument in command)), message)
        after = tree(tmp_path)
        assert after.items() >= before.items() if command == COMPACT else after == before, command


IN_THE_WAY = [
    ("_lease.json", [COMPACT, (*VERIFY, "--repair")], r"_lease\.json: cannot be (read|written) \(Is a directory\)"),
    ("_sweep.json", [RUN], r"_sweep\.json: cannot be written \(Is a directory\)"),
]


@pytest.mark.parametrize(("name", "commands", "message"), IN_THE_WAY, ids=[row[0] for row in IN_THE_WAY])
def test_what_is_in_the_way_is_named_and_the_results_are_unharmed(
    run: Run, tmp_path: Path, damaged: Damaged, name: str, commands: list[tuple[str, ...]], message: str
) -> None:
    damaged(lambda out: (out / name).unlink(missing_ok=True) or (out / name).mkdir())
    before = tree(tmp_path)
    for command in commands:
        require_refusal(run(*command), f"{message}; {UNHARMED}", code=1)
        assert tree(tmp_path) == before, command


FOUND: list[tuple[str, Damage, str]] = [
    ("trials flipped", flipped("trials/*"), r"damaged: trials/.*: differs from what was written; .* --repair"),
    ("ics gone", gone("ics"), r"missing: ics/.*: is gone; .* --repair"),
    ("trials gone", gone("trials"), r"gap: _sweep\.json: of 3 declared trials these have no result, 3: "),
    ("declaration flipped", flipped("_sweep.json"), r"declaration: _sweep\.json: is damaged .*run the sweep again"),
    ("foreign", text("trials/notes.txt", b"mine"), r"foreign: trials/notes\.txt: is no file of bnsweep's"),
    (
        "a spec that is none",
        with_column("spec", "{"),
        r"key: trials/.*: has trials whose spec is not that of their key",
    ),
]


@pytest.mark.parametrize(("damage", "problem"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND])
def test_verify_finds_it_and_changes_nothing(
    run: Run, tmp_path: Path, damaged: Damaged, damage: Damage, problem: str
) -> None:
    damaged(damage)
    before = tree(tmp_path)
    result = run(*VERIFY)
    assert (result.code, result.err) == (1, "")
    assert re.search(f"^{problem}", result.out, re.MULTILINE), result.out
    assert tree(tmp_path) == before


def test_a_foreign_table_among_the_trials_does_not_stop_a_plan(run: Run, tmp_path: Path, damaged: Damaged) -> None:
    """Of a sweep file that declares fewer trials than are stored."""
    damaged(with_file("trials/x.parquet", {"a": [1]}))
    fewer = (tmp_path / "few.yaml").read_text().replace("[none, batch, noisy_batch]", "[none]")
    (tmp_path / "few.yaml").write_text(fewer)
    before = tree(tmp_path)
    result = run(*PLAN)
    assert result.code in (0, 2)
    assert tree(tmp_path) == before


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_to_one_file_ends_in_a_traceback(
    run: Run, tmp_path: Path, finished: Path, data: st.DataObject
) -> None:
    _check_damage(run, tmp_path, finished, data)


@pytest.mark.long
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_of_many_ends_in_a_traceback(run: Run, tmp_path: Path, finished: Path, data: st.DataObject) -> None:
    _check_damage(run, tmp_path, finished, data)


def _check_damage(run: Run, tmp_path: Path, finished: Path, data: st.DataObject) -> None:
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    files = sorted(path.relative_to(tmp_path) for path in (tmp_path / "out").rglob("*") if path.stat().st_size)
    path = tmp_path / data.draw(st.sampled_from([file for file in files if (tmp_path / file).is_file()]))
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position:] = data.draw(st.sampled_from([content[position + 1 :], b"", bytes(content[position:])[::-1]]))
    path.write_bytes(content)
    for command in (PLAN, VERIFY, COMPACT):
        result = run(*command)
        assert result.code in (0, 1, 2)
        assert result.err.count("\n") == (result.err != "")
