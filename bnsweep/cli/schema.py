"""`schema`: the JSON Schema of the sweep file, for editors."""

from __future__ import annotations

import json

import typer

from bnsweep.cli.app import app


@app.command()
def schema() -> None:
    """Print the JSON Schema of the sweep file, by which editors complete and check it.

    A line `# yaml-language-server: $schema=FILE` in a sweep file names where it was saved.
    """
    typer.echo(schema_text())


def schema_text() -> str:
    """Return the schema as what a file holds, but for the last newline."""
    from bnsweep.spec.json_schema import sweep_schema

    return json.dumps(sweep_schema(), indent=1)
