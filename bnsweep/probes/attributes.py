"""What a user's modules keep in plain Python attributes: a forward may move it, and no state_dict has it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import IOBase
from pathlib import PurePath
from types import MemberDescriptorType, SimpleNamespace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

KNOWN = ("torch", "bnsweep")
"""Packages whose modules keep nothing of the kind that moves a number."""
OF_EVERY_MODULE = frozenset(vars(nn.Module()))
CONSTANT = (type(None), bool, int, float, complex, str, bytes, range, slice, type, torch.dtype, torch.device, PurePath)
"""A path keeps in its slots what was asked of it, and stays the same path."""


@dataclass(frozen=True)
class Attributes:
    """The attributes of a model's modules at one moment, what they hold included.

    What holds something is kept as it is and gets its content back, so that whoever else refers to it sees the same:
    lists, dictionaries, sets, arrays, tensors, random generators and a user's own objects. Of another kind of object
    (an iterator, a file) only the reference is kept.

    Args:
        values: the value of each attribute by module and name.
        contents: what each object held that an attribute leads to, by the object's id, with the object.
    """

    values: dict[nn.Module, dict[str, Any]]
    contents: dict[int, tuple[Any, Any]]

    @classmethod
    def of(cls, modules: Iterable[nn.Module]) -> Self:
        """Return what those of the modules that are of a user's own class hold now."""
        own = {module: _own(module) for module in modules if type(module).__module__.split(".")[0] not in KNOWN}
        contents: dict[int, tuple[Any, Any]] = {}
        for values in own.values():
            for value in values.values():
                _collect(value, contents)
        return cls(own, contents)

    def put_back(self) -> None:
        """Give every module and every object what it held."""
        for module, values in self.values.items():
            for name in _own(module).keys() - values.keys():
                del vars(module)[name]
            vars(module).update(values)
        for held, content in self.contents.values():
            _fill(held, content)

    def iterators(self) -> Iterator[str]:
        """Yield which modules keep an iterator, which only goes forward: nothing could put it back."""
        for module, values in self.values.items():
            contents: dict[int, tuple[Any, Any]] = {}
            for name, value in values.items():
                _collect(value, contents)
                reached = [value, *(entry for _, content in contents.values() for entry in _entries(content))]
                if any(isinstance(entry, Iterator) and not isinstance(entry, IOBase) for entry in reached):
                    yield f"{type(module).__name__}.{name}"
                contents.clear()

    def moved_until(self, later: Self) -> Iterator[tuple[nn.Module, str]]:
        """Yield module and name of each attribute that holds something else later."""
        for module, values in later.values.items():
            before = self.values.get(module, {})
            yield from ((module, name) for name in before.keys() - values.keys())
            for name, value in values.items():
                if name not in before or not self._is_as(before[name], value, later):
                    yield module, name

    def _is_as(self, before: Any, value: Any, later: Self) -> bool:
        if before is not value and not (isinstance(value, CONSTANT) and _is_same(before, value)):
            return False
        reached: dict[int, tuple[Any, Any]] = {}
        _collect(value, reached)
        kept, now = self.contents, later.contents
        return all(key in kept and key in now and _is_same(kept[key][1], now[key][1]) for key in reached)


def _own(module: nn.Module) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name not in OF_EVERY_MODULE}


def _collect(value: Any, contents: dict[int, tuple[Any, Any]]) -> None:
    """Add what `value` leads to; modules and parameters have their own ways."""
    if isinstance(value, (*CONSTANT, nn.Module, nn.Parameter)) or id(value) in contents:
        return
    if isinstance(value, tuple | frozenset):
        inner: Any = value
    else:
        content = _content(value)
        if content is None:
            return
        contents[id(value)] = value, content
        inner = () if _is_generator(value) else _entries(content)
    for entry in inner:
        _collect(entry, contents)


def _entries(content: Any) -> Iterable[Any]:
    """Return what a content is made of, as far as that may hold something itself."""
    if isinstance(content, dict):
        return content.values()
    return content if isinstance(content, list) else ()


def _content(value: Any) -> Any:
    """Return a copy of what an object holds, None where it is not known to hold anything."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list | deque | set | bytearray):
        return list(value)
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if _is_generator(value):
        return _state(value)
    is_own = type(value).__module__.split(".")[0] not in (*KNOWN, "numpy", "builtins", "functools", "collections")
    if not (is_own or isinstance(value, SimpleNamespace)):
        return None
    slots = {name: getattr(value, name) for name in _slots(value) if hasattr(value, name)}
    return {**getattr(value, "__dict__", {}), **slots}


def _slots(value: Any) -> list[str]:
    """Return the names of the slots of an object of a user's own class."""
    kinds = (vars(kind) for kind in type(value).__mro__)
    slots = (entry for kind in kinds if "__slots__" in kind for entry in kind.values())
    return [entry.__name__ for entry in slots if isinstance(entry, MemberDescriptorType)]


def _is_generator(value: Any) -> bool:
    return isinstance(value, torch.Generator | random.Random | np.random.Generator | np.random.RandomState)


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, random.Random):
        return generator.getstate()
    return generator.get_state()


@torch.no_grad()
def _fill(held: Any, content: Any) -> None:
    """Give an object its content back."""
    if isinstance(held, dict | set):
        held.clear()
        held.update(content)
    elif isinstance(held, list | bytearray):
        held[:] = content
    elif isinstance(held, deque):
        held.clear()
        held.extend(content)
    elif isinstance(held, Tensor):
        held.data.copy_(content)
    elif isinstance(held, np.ndarray):
        held[...] = content
    elif isinstance(held, np.random.Generator):
        held.bit_generator.state = content
    elif isinstance(held, random.Random):
        held.setstate(content)
    elif _is_generator(held):
        held.set_state(content)
    else:
        _fill_object(held, content)


def _fill_object(held: Any, content: dict[str, Any]) -> None:
    slots = _slots(held)
    if hasattr(held, "__dict__"):
        vars(held).clear()
        vars(held).update({name: value for name, value in content.items() if name not in slots})
    for name in slots:
        if name in content:
            object.__setattr__(held, name, content[name])
        elif hasattr(held, name):
            object.__delattr__(held, name)


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two contents, or two values, are the same, to the bit; objects in them by identity."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor | np.ndarray):
        return one.shape == other.shape and one.dtype == other.dtype and _bytes(one) == _bytes(other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return one is other or (isinstance(one, CONSTANT) and (one == other or repr(one) == repr(other)))


def _bytes(array: Tensor | np.ndarray) -> bytes:
    return (array.detach().cpu().numpy(force=True) if isinstance(array, Tensor) else array).tobytes()
