"""The sweep files and cluster files that come with bnsweep: beside it in a checkout, inside of it in a wheel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from pathlib import Path, PurePosixPath

import bnsweep
from bnsweep.errors import InputError, did_you_mean

KINDS = ("sweeps/*.yaml", "cluster/*.yaml", "cluster/*.sh")
"""What one asks for by name; the other files come along with those that name them."""
NAMED = re.compile(r"(?<![\w/.-])(sweeps|cluster)(/[\w.]*\w|\.\w+)")
"""A file as `cluster/Dockerfile`, or as the module `sweeps.variants`."""
BEGINS = ("# ", '"')
"""How lines of a comment, and the first of a docstring, begin."""
SENTENCE = re.compile(r"(?<=[.?])(?<! al\.) ")


@dataclass(frozen=True)
class Shipped:
    """A file that comes with bnsweep.

    Args:
        name: its path below `root()`, such as `sweeps/mini.yaml`.
    """

    name: str

    @property
    def text(self) -> str:
        """What it holds."""
        return (root() / self.name).read_text(encoding="utf-8")

    @property
    def companions(self) -> list[Shipped]:
        """The shipped files that it names, in the order of their names."""
        named = {f"{folder}{rest}" for folder, rest in NAMED.findall(self.text)}
        named = {name if "/" in name else f"{name.replace('.', '/')}.py" for name in named} - {self.name}
        return [Shipped(name) for name in sorted(named) if (root() / name).is_file()]


def root() -> Path:
    """Return the folder that holds `sweeps/` and `cluster/`."""
    package = Path(bnsweep.__file__).parent
    inside = package / "shipped"  # where bnsweep.cli.wheel puts them
    return inside if inside.is_dir() else package.parent


def shipped() -> list[Shipped]:
    """Return what one can ask for by name."""
    found = (path for kind in KINDS for path in sorted(root().glob(kind)))
    return [Shipped(path.relative_to(root()).as_posix()) for path in found]


def find(name: str) -> Shipped:
    """Return the file of this name: its path as `shipped` has it, or the end of that, also without `.yaml`.

    >>> find("mini").name
    'sweeps/mini.yaml'

    Raises:
        InputError: there is none, or several.
    """
    every = shipped()
    found = [file for file in every if name in _names(file)]
    if len(found) > 1:
        raise InputError(
            f"--from {name}: {len(found)} files have that name; give {' or '.join(file.name for file in found)}"
        )
    if not found:
        raise InputError(f"--from {name}: no such file; {did_you_mean(name, (_shortest(file) for file in every))}")
    return found[0]


def title(text: str) -> str:
    r"""Return the first sentence of a file's comment or docstring.

    >>> title("#!/bin/sh\n# What\n# it does. And how.\n"), title('\"\"\"What it is.\"\"\"')
    ('What it does.', 'What it is.')
    """
    lines = dropwhile(lambda line: not line.startswith(BEGINS), text.splitlines())
    paragraph = " ".join(line.strip('#" ') for line in takewhile(lambda line: line.startswith(BEGINS), lines))
    return SENTENCE.split(paragraph)[0]


def _names(file: Shipped) -> set[str]:
    path = PurePosixPath(file.name)
    return {file.name, path.name, path.stem, str(path.with_suffix(""))}


def _shortest(file: Shipped) -> str:
    """Return the shortest name that no other file has."""
    others = set[str]().union(*(_names(other) for other in shipped() if other != file))
    return min(_names(file) - others, key=len)
