"""Code of the user's own, named in a sweep file as `package.module:callable`."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from bnsweep.error_texts import own_line
from bnsweep.errors import InputError, did_you_mean
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
            imported = importlib.import_module(module)
        except ImportError as error:
            raise InputError(f"{key}: {name} cannot be loaded ({error}); {_advice(module, error)}") from error
        try:
            found = getattr(imported, attribute)
        except (ImportError, AttributeError) as error:
            raise InputError(f"{key}: {name} cannot be loaded ({error}); {_others(imported, attribute)}") from error
    if not callable(found):
        raise InputError(f"{key}: {name} is a {type(found).__name__}; it should be callable")
    return found  # type: ignore[no-any-return]  # callable, as just checked


def _others(module: ModuleType, attribute: str) -> str:
    """Return in words what a module that has no such attribute offers of its own, or of its package's."""
    package = module.__name__.partition(".")[0]
    offered = [
        name
        for name, value in vars(module).items()
        if callable(value) and str(getattr(value, "__module__", "")).partition(".")[0] == package
    ]
    return did_you_mean(attribute, offered) if offered else "there is no function or class in it"


def _advice(module: str, error: ImportError) -> str:
    """Return what to do about a module that cannot be imported: it is not found, or what it imports is not."""
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        return (
            f"there is no such module in {os.getcwd()}, where you are, and none is installed or on PYTHONPATH; "
            "start bnsweep in the folder that holds it"
        )
    place = own_line(error)
    return f"{place or module} imports it; install it here, or mend the import"


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
        said, place = " ".join(str(error).split()), own_line(error)
        where = "".join(f" ({told})" for told in (place, *getattr(error, "__notes__", ())) if told)
        raise InputError(f"{key}: {name} fails {when}: {type(error).__name__}: {said}{where}") from error
