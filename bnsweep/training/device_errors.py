"""What an error says of the device: that memory was short, or that this process can use its GPU no more.

PyTorch raises `torch.OutOfMemoryError` where its own allocator fails on a GPU, `torch.AcceleratorError` with the number
of CUDA's error as `error_code` where a call of the runtime fails (c10/cuda/CUDAException.cpp), and a RuntimeError that
only its text tells apart where a library or the driver does (aten/src/ATen/cuda/Exceptions.h), as Triton does.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator

import torch

from bnsweep.error_texts import error_text

OUT_OF_MEMORY = 2
"""cudaErrorMemoryAllocation: memory that is not PyTorch's to allocate, such as a context's or a kernel's own."""
OUT_OF_MEMORY_TEXTS = (
    "DefaultCPUAllocator",  # PyTorch's allocator for CPUs, which has neither a type nor a code
    "CUDA error: out of memory",
    "CUDA driver error: out of memory",
    "Triton Error [CUDA]: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",  # since cuDNN 9 an old name of the next one
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "unable to find an engine to execute this computation",  # no algorithm of cuDNN had the room that it needs
)
STICKY = {
    214: "uncorrectable ECC error encountered",
    220: "uncorrectable NVLink error detected during the execution",
    226: "Invalid access of peer GPU memory over nvlink or a hardware error",
    700: "an illegal memory access was encountered",
    702: "the launch timed out and was terminated",
    710: "device-side assert triggered",
    714: "hardware stack error",
    715: "an illegal instruction was encountered",
    716: "misaligned address",
    717: "operation not supported on global/shared address space",
    718: "invalid program counter",
    719: "unspecified launch failure",
    721: "tensor memory not completely freed",
    810: "the MPS client has been terminated by the server",
    911: "an async error has occured in external entity outside of CUDA",
    999: "unknown error",
}
"""Errors of CUDA after which each further call of the process fails, by number, with what cudaGetErrorString says.

Those of which driver_types.h of CUDA 13.0 says that the process must be terminated and relaunched; and three that a
broken GPU gives, of which it says nothing: 214, 220, and 999, also where the GPU "has fallen off the bus" (Xid 79).
"""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, or one that it was raised for, says that memory was short, on a GPU or the machine."""
    return any(map(_says_out_of_memory, _chain(error)))


def lost_device(error: BaseException, device: torch.device) -> BaseException | None:
    """Return the error after which this process can use its GPU no more; None where it can, or has none.

    What is not known by its number or its text, as what a library says of a GPU that is lost, the GPU is asked about.
    """
    return next(filter(_is_sticky, _chain(error)), None) or _asked(device)


def let_go(error: BaseException, device: torch.device) -> None:
    """Free the memory that an error keeps: its frames hold tensors, and PyTorch what it has freed on a GPU."""
    for link in _chain(error):
        traceback.clear_frames(link.__traceback__)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _says_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or _code(error) == OUT_OF_MEMORY:
        return True
    return isinstance(error, RuntimeError) and any(text in error_text(error) for text in OUT_OF_MEMORY_TEXTS)


def _is_sticky(error: BaseException) -> bool:
    if _code(error) is not None:
        return _code(error) in STICKY
    text = error_text(error)
    return isinstance(error, RuntimeError) and "CUDA" in text and any(sticky in text for sticky in STICKY.values())


def _code(error: BaseException) -> int | None:
    """Return CUDA's number of an error; None where it has none."""
    return getattr(error, "error_code", None) if isinstance(error, torch.AcceleratorError) else None


def _asked(device: torch.device) -> BaseException | None:
    """Return what a GPU says when all that it was given is done; None where nothing is wrong."""
    try:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    except RuntimeError as error:
        return error
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and, in turn, the one that it was raised for."""
    link: BaseException | None = error
    seen = set[int]()
    while link is not None and id(link) not in seen:
        yield link
        seen.add(id(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
