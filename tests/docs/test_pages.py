"""What the pages of docs/ say of sweep files and tables is what the specs and schemas say."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import pytest

from bnsweep.docs.columns import columns_of_tables
from bnsweep.docs.fields import fields_of_sweep_files
from bnsweep.docs.pages import GENERATED, MARK, renewed
from bnsweep.errors import InputError
from bnsweep.results.schema import SCHEMAS
from bnsweep.spec.json_schema import sweep_schema
from bnsweep.spec.sweep import Sweep
from tests.docs.test_links import FILES
from tests.pages import ROOT, code_block

SCHEMA = sweep_schema()


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_is_generated(name: str) -> None:
    page = (ROOT / "docs" / name).read_text()
    assert renewed(page, GENERATED[name]()) == page, "run `python -m bnsweep.docs`"


def test_what_is_written_by_hand_stays_and_a_page_without_a_mark_is_refused() -> None:
    assert renewed(f"by hand\n{MARK}\nold\n", ["new", ""]) == f"by hand\n{MARK}\nnew\n\n"
    with pytest.raises(InputError, match=r"bnsweep\.docs"):
        renewed("by hand\n", ["new"])


def test_every_field_of_a_sweep_file_says_what_it_means() -> None:
    sections: dict[str, dict[str, Any]] = {"": SCHEMA, **SCHEMA["$defs"]}
    fields = [(name, *field) for name, section in sections.items() for field in section["properties"].items()]
    assert [f"{section}.{name}" for section, name, field in fields if not {"description", "const"} & field.keys()] == []


def test_every_section_and_field_and_column_has_its_line() -> None:
    by_page = ["\n".join(fields_of_sweep_files()), "\n".join(columns_of_tables())]
    for section in SCHEMA["$defs"].values():
        assert " ".join(section["description"].split()) in by_page[0]
        for name, field in section["properties"].items():
            assert "const" in field or f"\n| `{name}` | " in by_page[0]
    for name, schema in SCHEMAS.items():
        assert f"\n## {name}\n" in by_page[1]
        assert all(f"\n| `{field.name}` | " in by_page[1] for field in schema)


def test_the_axes_that_are_shown_are_axes() -> None:
    sweep = "name: x\nmodel: {name: mlp}\ndataset: {name: digits}\n"
    assert (
        len(Sweep.from_text(sweep + code_block("docs/sweep_file.md", "logspace", "yaml")).trials) == 2 * 9 * 4 * 6 * 2
    )


def test_the_models_and_data_that_are_shown_are_some() -> None:
    lines = code_block("docs/sweep_file.md", "model: {name: vgg", "yaml").splitlines()
    beside = {"model": "dataset: {name: digits}", "dataset": "model: {name: mlp}\ntrain: {loss: mse}"}
    shown = [Sweep.from_text(f"name: x\n{beside[line.partition(':')[0]]}\n{line}\n") for line in lines]
    assert len({sweep.trials[0].trial_key for sweep in shown}) == len(lines)


def test_every_command_that_python_is_to_run_is_a_module() -> None:
    named = {name for page in FILES for name in re.findall(r"python (?:-P )?-m ([\w.]+)", page.read_text())}
    ours = {name for name in named if name.split(".")[0] in ("benchmarks", "bnsweep", "analysis")}
    assert len(ours) > 5
    assert {name for name in ours if importlib.util.find_spec(name) is None} == set()
