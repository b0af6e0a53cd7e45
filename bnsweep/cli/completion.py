"""What a shell offers at Tab: sweep files, cluster files and results directories; `setting_words` what follows `--set`.

Where nothing of ours fits, the list is empty, and the shell completes files as ever.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from glob import glob

import typer

OF_A_SWEEP = re.compile(r"^name:", re.MULTILINE)
OF_A_CLUSTER = re.compile(r"^cluster_name:", re.MULTILINE)


def sweep_files(incomplete: str) -> list[str]:
    """Return the sweep files in the folder that is typed so far, and one below."""
    return [path for path in _near(incomplete, "*.y*ml") if _says(path, OF_A_SWEEP)]


def cluster_files(incomplete: str) -> list[str]:
    """Return the files of `ray up` in the folder that is typed so far, and one below."""
    return [path for path in _near(incomplete, "*.y*ml") if _says(path, OF_A_CLUSTER)]


def results_directories(incomplete: str) -> list[str]:
    """Return the directories with results in the folder that is typed so far, and one below."""
    return [path.removesuffix("/trials") for path in _near(incomplete, "*/trials")]


def shipped_files(incomplete: str) -> list[str]:
    """Return the names that `init --from` takes."""
    from bnsweep.cli.shipped import shipped

    return [file.name for file in shipped() if file.name.startswith(incomplete)]


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return what may follow `--set`, by the sweep file that was typed before."""
    from bnsweep.cli.setting_words import setting_words  # what it needs is slow to load

    words = ctx.parent.args if ctx.parent else []  # of a line that breaks off behind an option, typer parses none
    texts = (_text(word) for word in words if word.endswith((".yaml", ".yml")))
    return setting_words(next(filter(OF_A_SWEEP.search, texts), ""), incomplete)


def _near(incomplete: str, form: str) -> Iterator[str]:
    """Yield the paths of this form in the folder that is typed so far, and one below, that begin as what is typed."""
    folder = incomplete[: incomplete.rfind("/") + 1]
    for depth in (form, f"*/{form}"):
        for found in sorted(glob(depth, root_dir=os.path.expanduser(folder) or None)):
            if f"{folder}{found}".startswith(incomplete):
                yield f"{folder}{found}"


def _says(path: str, what: re.Pattern[str]) -> bool:
    return what.search(_text(path)) is not None


def _text(path: str) -> str:
    """Return what a file holds; nothing where it cannot be read."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""
