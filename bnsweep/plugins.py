"""Code of the user's own, named in a sweep file as `package.module:callable`."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bnsweep.errors import InputError
from bnsweep.settings import settings_kept


def load_callable(name: str, key: str) -> Callable[..., Any]:
    """Return what `name` names; modules beside the current directory are found, as with `python -m`.

    Raises:
        InputError: it cannot be imported, is not there, or cannot be called; `key` is where the sweep file names it.
    """
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    with user_code(name, key, "when it is imported", Exception):
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise InputError(f"{key}: {name} cannot be loaded ({error}); give package.module:callable") from error
    if not callable(found):
        raise InputError(f"{key}: {name} is a {type(found).__name__}; it should be callable")
    return found  # type: ignore[no-any-return]  # callable, as just checked


def require_signature(name: str, key: str, code: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Raise InputError if the callable `name` does not take the arguments; `key` is where the sweep file names it."""
    try:
        inspect.signature(code).bind(**arguments)
    except TypeError as error:
        given = ", ".join(arguments) or "no options"
        raise InputError(f"{key}: {name} cannot be called with {given}: {error}") from error
    except ValueError:  # a callable written in C may have no signature; the call itself will tell
        return


@contextmanager
def user_code(name: str, key: str, when: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn exceptions of the user's own code into an InputError that says where they come from.

    What it changes of the settings of the process is put back: see `bnsweep.settings`.

    Args:
        name: the callable.
        key: where the sweep file names it.
        when: what was asked of it.
        kinds: the exceptions that count, beside SystemExit; others pass.
    """
    try:
        with settings_kept():
            yield
    except InputError:
        raise
    except BaseException as error:
        if not isinstance(error, (SystemExit, *kinds)):
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        said = " ".join(str(error).split())
        raise InputError(
            f"{key}: {name} fails {when}: {type(error).__name__}: {said} ({frame.filename}:{frame.lineno})"
        ) from error
