"""The command line. Imports what a command needs only when it runs, so that `--help` is quick."""

from __future__ import annotations

import atexit
import os
import sys

from bnsweep.cli import fetch, init, jobs, ls, plan, results, run, schema, widen  # each adds its commands to the app
from bnsweep.cli.app import INTERRUPTED, app
from bnsweep.cli.output import discard_output, escape_what_cannot_be_encoded, output_error, print_aside
from bnsweep.errors import DeviceLost, InputError, StartError, StoreError
from bnsweep.running.leaving import Leaving

IN_ORDER_OF_USE = (
    *("init", "plan", "run", "ls", "failures", "report", "compare"),
    *("repro", "verify", "compact"),
    *("submit", "status", "logs", "fetch", "stop", "widen"),
    *("doctor", "schema"),
)
"""The commands as `--help` lists them: on one's own machine, care of results, on a cluster, about the program."""
app.registered_commands.sort(key=lambda command: IN_ORDER_OF_USE.index(getattr(command.callback, "__name__", "")))


def main() -> None:
    """Run the command line: bad input is one message on stderr and exit code 2."""
    os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever the user's notebooks ask for
    escape_what_cannot_be_encoded()
    leaving = Leaving(INTERRUPTED)
    atexit.register(leaving)
    code: int | str | None = 0
    unwritten: OSError | None = None
    try:
        app(prog_name="bnsweep")  # also as `python -m bnsweep`
    except SystemExit as end:
        code = end.code
    except (InputError, StoreError, StartError, DeviceLost) as error:
        print_aside(str(error))
        code = 2 if isinstance(error, InputError) else 1
    except OSError:
        unwritten = output_error(sys.stdout, is_suspect=True)
        if not unwritten:
            raise
    unwritten = unwritten or output_error(sys.stdout)
    if unwritten:
        discard_output(sys.stdout, unwritten)
        code = code or 1
    leaving.code = code if isinstance(code, int) else int(bool(code))
    sys.exit(code)


__all__ = ["app", "fetch", "init", "jobs", "ls", "main", "plan", "results", "run", "schema", "widen"]
