"""What runs in the reader's browser: JavaScript modules, put together into one script that needs no server.

A page opened from a disk may import no file beside it. So the modules of this folder become one text, each after those
that it imports: a function that is called at once, takes what it imports as constants, and returns what it exports. For
that, a module keeps to this: each import is one line with a relative path and the names as they are, and each export
begins a declaration.
"""

from __future__ import annotations

import posixpath
import re
from graphlib import TopologicalSorter
from importlib import resources

from bnsweep.errors import InputError

_IMPORT = re.compile(r'^import (?P<names>\{[^}]*\}) from "(?P<path>\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) (?P<name>\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(import|export)\b.*", re.MULTILINE)


def script(*names: str) -> str:
    """Return the text of these modules and of all that they import, each once, to stand in one `<script>`.

    Args:
        names: paths of modules below this folder, such as "measures/robustness.js".

    Raises:
        InputError: there is no such module, or one imports or exports in a way that cannot be put together.
        graphlib.CycleError: modules import each other in a circle.
    """
    texts: dict[str, str] = {}
    imported: dict[str, list[str]] = {}
    asked = list(names)
    while asked:
        name = asked.pop()
        if name not in texts:
            texts[name] = _read(name)
            imported[name] = [_resolved(name, found["path"]) for found in _IMPORT.finditer(texts[name])]
            asked += imported[name]
    modules = [_called(name, texts[name]) for name in TopologicalSorter(imported).static_order()]
    return "\n".join(["const modules = {};", *modules])


def _resolved(name: str, path: str) -> str:
    """Return the module that `name` imports from a path relative to it."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _read(name: str) -> str:
    file = resources.files(__name__).joinpath(*name.split("/"))
    if not file.is_file():
        raise InputError(f"{name}: there is no such module in analysis/browser")
    return file.read_text(encoding="utf-8")


def _called(name: str, text: str) -> str:
    """Return a module as a function that is called at once, its exports kept in `modules`."""
    exports = ", ".join(found["name"] for found in _EXPORT.finditer(text))
    taken = _IMPORT.sub(lambda found: f'const {found["names"]} = modules["{_resolved(name, found["path"])}"];', text)
    bare = _EXPORT.sub("", taken)
    if left := _LEFT.search(bare):
        raise InputError(f"{name}: cannot be put into one script with the others: {left[0]}")
    return f'modules["{name}"] = (() => {{\n{bare}\nreturn {{ {exports} }};\n}})();'
