"""Settings of the whole process that a user's code may change: the numbers of every trial after it would move."""

from __future__ import annotations

import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

STEERING = (
    "OMP_",
    "MKL_",
    "KMP_",
    "OPENBLAS_",
    "CUDA_",
    "CUBLAS_",
    "NCCL_",
    "TORCH",
    "PYTORCH_",
    "RAY_",
    "PYTHON",
    "ATEN_",
)
"""How names of environment variables begin that steer the libraries below us, here and in processes started later."""


class Setting(NamedTuple):
    """How a setting is read, and how it is put back to what was read."""

    get: Callable[[], Any]
    put: Callable[[Any], object]


def _environment() -> dict[str, str]:
    return dict(os.environ)


def _put_environment(before: dict[str, str]) -> None:
    """Put back what was there; of what is new only that which steers a library goes: other names are the user's own."""
    for name in [name for name in os.environ if name not in before and name.startswith(STEERING)]:
        del os.environ[name]
    os.environ.update(before)


def _path() -> list[str]:
    return list(sys.path)


def _put_path(before: list[str]) -> None:
    """Put folders that are new behind the others: what they hold is still found, and hides nothing."""
    sys.path[:] = [*before, *(folder for folder in sys.path if folder not in before)]


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _put_handlers(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _filters() -> list[Any]:
    return list(warnings.filters)


def _put_filters(before: list[Any]) -> None:
    warnings.filters[:] = before  # type: ignore[index]  # a list, which typeshed does not say
    warnings._filters_mutated()  # type: ignore[attr-defined]  # as catch_warnings does, or what was seen is kept


def _put_collector(before: tuple[bool, tuple[int, ...]]) -> None:
    (gc.enable if before[0] else gc.disable)()
    gc.set_threshold(*before[1])


def _python() -> dict[str, Setting]:
    settings = {
        "the working folder": Setting(os.getcwd, os.chdir),
        "os.environ": Setting(_environment, _put_environment),
        "sys.path": Setting(_path, _put_path),
        "the recursion limit": Setting(sys.getrecursionlimit, sys.setrecursionlimit),
        "sys.excepthook": Setting(lambda: sys.excepthook, lambda hook: setattr(sys, "excepthook", hook)),
        "warnings.filters": Setting(_filters, _put_filters),
        "the level of logging": Setting(lambda: logging.root.level, logging.root.setLevel),
        "logging.disable": Setting(lambda: logging.root.manager.disable, logging.disable),
        "the locale": Setting(
            lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)
        ),
        "garbage collection": Setting(lambda: (gc.isenabled(), gc.get_threshold()), _put_collector),
        "the stream of random": Setting(random.getstate, random.setstate),
        "the way processes are started": Setting(_start_method, _put_start_method),
        "numpy's error state": Setting(np.geterr, lambda state: np.seterr(**state)),
        "numpy's print options": Setting(np.get_printoptions, lambda options: np.set_printoptions(**options)),
        "numpy's global stream": Setting(_numpy_stream, _put_numpy_stream),
    }
    if threading.current_thread() is threading.main_thread():  # no other may set them
        settings["signal handlers"] = Setting(_handlers, _put_handlers)
    return settings


def _start_method() -> str | None:
    return multiprocessing.get_start_method(allow_none=True)


def _put_start_method(method: str | None) -> None:
    multiprocessing.set_start_method(method, force=True)


def _numpy_stream() -> Any:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002  the global one
    return name, tuple(np.asarray(keys).tolist()), *rest


def _put_numpy_stream(state: Any) -> None:
    np.random.set_state(state)  # noqa: NPY002


def _torch() -> dict[str, Setting]:
    import torch

    backends = torch.backends
    flags = [
        ("cudnn", backends.cudnn, "enabled"),
        ("cudnn", backends.cudnn, "benchmark"),
        ("cudnn", backends.cudnn, "deterministic"),
        ("cudnn", backends.cudnn, "allow_tf32"),
        ("cuda.matmul", backends.cuda.matmul, "allow_fp16_reduced_precision_reduction"),
        ("cuda.matmul", backends.cuda.matmul, "allow_bf16_reduced_precision_reduction"),
        ("deterministic", torch.utils.deterministic, "fill_uninitialized_memory"),
    ]
    settings = {
        "torch's default dtype": Setting(torch.get_default_dtype, torch.set_default_dtype),
        "torch's default device": Setting(torch.get_default_device, _put_device),
        "torch's gradient mode": Setting(torch.is_grad_enabled, torch._C._set_grad_enabled),
        "torch's number of threads": Setting(torch.get_num_threads, torch.set_num_threads),
        "torch's matmul precision": Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        "torch's deterministic algorithms": Setting(
            torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode
        ),
        "torch's anomaly detection": Setting(
            lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
            lambda on: torch.autograd.set_detect_anomaly(*on),
        ),
        "torch's stream": Setting(lambda: bytes(torch.get_rng_state().tolist()), _put_stream),
        "torch's sharing strategy": Setting(
            torch.multiprocessing.get_sharing_strategy, torch.multiprocessing.set_sharing_strategy
        ),
    }
    return settings | {f"{where}.{name}": _flag(owner, name) for where, owner, name in flags}


def _flag(owner: Any, name: str) -> Setting:
    return Setting(lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


def _put_device(device: Any) -> None:
    import torch

    torch.set_default_device(None if device == torch.device("cpu") else device)


def _put_stream(state: bytes) -> None:
    import torch

    torch.set_rng_state(torch.tensor(list(state), dtype=torch.uint8))


def all_settings() -> dict[str, Setting]:
    """Return every setting that is watched, by its name."""
    return {**_python(), **_torch()}


@contextmanager
def settings_kept() -> Iterator[None]:
    """Put back what the block changes of the process's settings."""
    settings = all_settings()
    before = {name: setting.get() for name, setting in settings.items()}
    try:
        yield
    finally:
        for name, setting in settings.items():
            if setting.get() != before[name]:
                setting.put(before[name])
