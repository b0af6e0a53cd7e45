"""What errors say of the device. There is no GPU here: what one would raise is made of PyTorch's own classes and texts.

The numbers and texts are compared with CUDA's own, of the packages that PyTorch brings.
"""

from __future__ import annotations

import ctypes
import gc
import re
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bnsweep.training.device_errors import OUT_OF_MEMORY, STICKY, is_out_of_memory, let_go, lost_device

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
NVIDIA = Path(torch.__file__).parents[1] / "nvidia"
BROKEN_GPU = {214, 220, 999}
FAR_TOO_MUCH: dict[str, Callable[[], object]] = {
    "a tensor": lambda: torch.empty(2**60),
    "a copy": lambda: torch.ones(1).expand(2**50).clone(),
    "a product": lambda: torch.ones(2**24, 1) @ torch.ones(1, 2**24),
    "an array": lambda: np.empty(2**50),
}


def of_cuda(number: int, text: str = "") -> torch.AcceleratorError:
    """Return what a call of CUDA's runtime raises."""
    error = torch.AcceleratorError(f"CUDA error: {text}\nCUDA kernel errors might be reported at some other call.")
    error.error_code = number  # type: ignore[attr-defined]  # PyTorch sets it, and does not declare it
    return error


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """Return an error as it is once it was raised, for another one where that is given."""
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


def header() -> str:
    (path,) = NVIDIA.glob("cu*/include/driver_types.h")
    return path.read_text()


def test_sticky_errors_are_those_of_which_cuda_says_that_the_process_must_end() -> None:
    documented = re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s*cudaError\w+\s*=\s*(\d+)", header(), re.DOTALL)
    ending = {
        int(number) for said, number in documented if "must be terminated" in " ".join(said.replace("*", " ").split())
    }
    assert len(ending) > 10
    assert set(STICKY) == ending | BROKEN_GPU


def test_texts_are_those_of_cuda() -> None:
    (path,) = NVIDIA.glob("cu*/lib/libcudart.so.*")
    text_of = ctypes.CDLL(str(path)).cudaGetErrorString
    text_of.restype = ctypes.c_char_p
    assert {number: text_of(number).decode() for number in STICKY} == STICKY
    assert text_of(OUT_OF_MEMORY) == b"out of memory"


@pytest.mark.parametrize("number", STICKY)
def test_a_sticky_error_is_known_by_its_number_and_where_there_is_none_by_its_text(number: int) -> None:
    by_number = raised(of_cuda(number))
    assert lost_device(by_number, CPU) is by_number
    for text in (f"CUDA driver error: {STICKY[number]}", f"Triton Error [CUDA]: {STICKY[number]}"):
        by_text = raised(RuntimeError(text))
        assert lost_device(by_text, CPU) is by_text


def test_a_sticky_error_is_found_behind_the_one_that_it_was_raised_as() -> None:
    sticky = raised(of_cuda(710, STICKY[710]))
    assert lost_device(raised(ValueError("a probe failed"), cause=sticky), CPU) is sticky


@pytest.mark.parametrize(
    "error",
    [
        of_cuda(1, "invalid argument"),
        of_cuda(OUT_OF_MEMORY, "out of memory"),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("an illegal memory access was encountered"),  # somebody else's words
        ValueError("device-side assert triggered"),
    ],
    ids=str,
)
def test_other_errors_leave_the_gpu_usable(error: BaseException) -> None:
    assert lost_device(raised(error), CPU) is None


def test_a_gpu_is_asked_where_an_error_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `CUDA error: CUBLAS_STATUS_EXECUTION_FAILED`. The GPU's answer is made up: there is none here."""
    asked, answer = list[torch.device](), of_cuda(46, "CUDA-capable device(s) is/are busy or unavailable")
    unclear = raised(RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm()`"))

    def synchronize(device: torch.device) -> None:
        asked.append(device)
        if len(asked) > 1:
            raise answer

    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    assert lost_device(unclear, GPU) is None
    assert lost_device(unclear, GPU) is answer
    assert asked == [GPU, GPU]


@pytest.mark.parametrize("what", FAR_TOO_MUCH)
def test_an_allocation_that_fails_is_distinguished_from_other_errors(what: str) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as error:
        FAR_TOO_MUCH[what]()
    assert is_out_of_memory(error.value)


@pytest.mark.parametrize(
    "error",
    [
        of_cuda(OUT_OF_MEMORY, "out of memory"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        MemoryError(),
    ],
    ids=repr,
)
def test_memory_that_is_not_pytorchs_own_counts_too(error: BaseException) -> None:
    assert is_out_of_memory(raised(error))
    assert is_out_of_memory(raised(ValueError("a probe failed"), cause=error))


def test_another_error_of_pytorch_is_not_one_of_memory() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.ones(2) @ torch.ones(3)
    assert not is_out_of_memory(error.value)
    assert not is_out_of_memory(of_cuda(700, STICKY[700]))


def test_what_cudnn_calls_its_errors_has_not_changed() -> None:
    said = (NVIDIA / "cudnn/include/cudnn_graph.h").read_text()
    for where in ("HOST", "DEVICE"):
        assert f"CUDNN_STATUS_INTERNAL_ERROR_{where}_ALLOCATION_FAILED" in said


def test_letting_go_frees_the_tensors_of_a_failed_step_though_its_error_is_kept() -> None:
    seen = list[weakref.ref[torch.Tensor]]()

    def step() -> None:
        activations = torch.ones(8)
        seen.append(weakref.ref(activations))
        itself = [activations, *seen]
        itself.append(itself)  # type: ignore[arg-type]  # a cycle, as hooks make them
        raise MemoryError

    with pytest.raises(MemoryError) as error:
        step()
    gc.disable()
    assert seen[0]() is not None
    let_go(error.value, CPU)
    gc.enable()
    assert seen[0]() is None
