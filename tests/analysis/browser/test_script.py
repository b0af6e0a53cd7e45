"""Modules put together into one script."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

import analysis.browser
from analysis.browser import script
from bnsweep.errors import InputError

FOLDER = Path(str(resources.files("analysis.browser")))
MODULES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js"))


def test_each_module_stands_once_and_after_those_that_it_imports() -> None:
    text = script("measures/robustness.js", "measures/curves.js")
    names = [f"measures/{name}.js" for name in ("curves", "hidden", "grid", "robustness")]
    begun = [text.index(f'modules["{name}"] = ') for name in names]
    assert begun == sorted(begun)
    assert text.count('modules["measures/curves.js"] = ') == 1


def test_all_modules_together_neither_import_nor_export_nor_end_the_script_that_they_stand_in() -> None:
    text = script(*MODULES)
    assert all(f'modules["{name}"] = ' in text for name in MODULES)
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert not re.search(r"</script|<!--", text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('import a from "./a.js";', 'import a from "./a.js";'),
        ('import * as a from "./a.js";', 'import * as a from "./a.js";'),
        ("export default function f() {}", "export default function f"),
        ("export { f };", "export { f };"),
    ],
)
def test_what_cannot_be_put_together_is_named(
    text: str, left: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.js").write_text(text)
    monkeypatch.setattr(analysis.browser.resources, "files", lambda _: tmp_path)
    with pytest.raises(InputError, match=re.escape(f"own.js: cannot be put into one script with the others: {left}")):
        script("own.js")


def test_an_unknown_module_is_named() -> None:
    with pytest.raises(InputError, match=r"measures/robustnes\.js: there is no such module"):
        script("measures/robustnes.js")
