"""The command line. Imports what a command needs only when it runs, so that `--help` is quick."""

from __future__ import annotations

import os
import sys

from bnsweep.cli import jobs, results, run  # each adds its commands to the app
from bnsweep.cli.app import app
from bnsweep.errors import InputError, StoreError


def main() -> None:
    """Run the command line: bad input is one message on stderr and exit code 2."""
    os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever the user's notebooks ask for
    try:
        app()
    except (InputError, StoreError) as error:
        print(f"bnsweep: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2 if isinstance(error, InputError) else 1)


__all__ = ["app", "jobs", "main", "results", "run"]
