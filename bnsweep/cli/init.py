"""`init`: sweep files to begin with, and those that come with bnsweep. Asks nothing and overwrites nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from bnsweep.cli.app import app
from bnsweep.cli.completion import shipped_files
from bnsweep.cli.schema import schema_text
from bnsweep.cli.shipped import Shipped, find, shipped, title
from bnsweep.errors import InputError

STARTERS = ("digits.yaml", "cifar10.yaml", "own_model.yaml", "own_model.py")
SCHEMA = "sweep.schema.json"
IN_THE_REPOSITORY = "../docs/sweep.schema.json"
"""Where the files of sweeps/ find it; what is written elsewhere has it beside."""


@app.command()
def init(
    directory: Annotated[str, typer.Argument(metavar="[DIR]", help="Where they go; here if not given.")] = ".",
    is_list: Annotated[bool, typer.Option("--list", help="List the sweep and cluster files of bnsweep.")] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Write one of these, with the files that it names.",
            autocompletion=shipped_files,
        ),
    ] = None,
) -> None:
    """Write sweep files to begin with: for digits, for CIFAR-10, and for a model of your own. Overwrites nothing."""
    if is_list and name is not None:
        raise InputError("--list: goes without --from; leave one or the other out")
    if is_list:
        _print_list()
        return
    if "://" in directory:
        raise InputError(f"{directory}: sweep files lie on this machine; give a directory of it")
    folder, chosen = Path(directory), None if name is None else find(name)
    written = _write_new(folder, starters() if chosen is None else with_companions(chosen))
    for path, text in written.items():
        typer.echo(f"wrote {path}: {title(text) or 'by which editors complete and check sweep files'}")
    typer.echo(_next(folder, chosen))


def starters() -> dict[str, str]:
    """Return the first files of a new user, by name."""
    texts = {name: files("bnsweep.cli").joinpath("starters", name).read_text(encoding="utf-8") for name in STARTERS}
    return texts | {SCHEMA: f"{schema_text()}\n"}


def with_companions(chosen: Shipped) -> dict[str, str]:
    """Return the texts of a file of bnsweep, of those that it names, and of the schema of sweep files, by name."""
    texts = {file.name: file.text.replace(IN_THE_REPOSITORY, SCHEMA) for file in (chosen, *chosen.companions)}
    folders = {os.path.dirname(name) for name, text in texts.items() if f"$schema={SCHEMA}" in text}
    return texts | {f"{folder}/{SCHEMA}": f"{schema_text()}\n" for folder in folders}


def _write_new(folder: Path, texts: Mapping[str, str]) -> dict[Path, str]:
    """Write what is not there, by name below the folder, and return it; what is there with the same text is left alone.

    Raises:
        InputError: a file is there with another text, or each is there; or they cannot be written.
    """
    wanted = {folder / name: text for name, text in texts.items()}
    try:
        there = [path for path in wanted if os.path.lexists(path)]
        missing = {path: text for path, text in wanted.items() if path not in there}
        if not missing or any(_text_of(path) != wanted[path] for path in there):
            raise InputError(
                f"{', '.join(map(str, there))}: there already, and `bnsweep init` overwrites nothing; "
                "give another DIR, or move what is there"
            )
        for path, text in missing.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: cannot be written ({error.strerror}); give another DIR"
        ) from error
    return missing


def _text_of(path: Path) -> str | None:
    """Return what a file holds; None where it is no file of text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _print_list() -> None:
    every = shipped()
    width = max(len(file.name) for file in every)
    for file in every:
        typer.echo(f"{file.name:{width}}  {title(file.text)}")
    typer.echo("bnsweep init --from NAME    writes one of them, with the files that it names")


def _next(folder: Path, chosen: Shipped | None) -> str:
    """Return the command to type next."""
    there = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    if chosen is None:
        return f"next: {there}bnsweep run {STARTERS[0]}"
    if chosen.name.startswith("sweeps/"):
        return f"next: {there}bnsweep plan {chosen.name}"
    return f"next: {there}head -n 25 {chosen.name}    # what to edit, and what to type then"
