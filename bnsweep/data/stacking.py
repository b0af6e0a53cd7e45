"""Images one by one into one array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnsweep.data.memory import require_memory
from bnsweep.data.pixels import Pixels
from bnsweep.errors import InputError

FLOAT_BYTES = 4
"""What a pixel takes in memory beside the array that it is in, if that is not one of bytes: it is standardized once."""
PER_BYTE = np.uint16(257)
"""65535 / 255: a step of 8 bits at 16 bits, exactly."""
KINDS = {"uint8": "8 bits", "uint16": "16 bits", "int32": "32-bit integers", "float32": "floating point"}


def stack(images: Iterable[tuple[str, Pixels]], count: int, what: str, beside: int = 0) -> Pixels:
    """Return images (N, C, H, W); those of 8 bits a sample as 16 where there are such too.

    Args:
        images: each with what to call it.
        count: how many they are, at least one.
        what: what to call them all, such as `train.parquet`.
        beside: bytes that other data hold already.

    Raises:
        InputError: they differ in size or in kind, or do not fit into memory.
    """
    held: NDArray[Any] = np.empty((0,))
    first = ""
    for row, (where, image) in enumerate(images):
        if row == 0:
            per_pixel = image.itemsize + (0 if image.dtype == np.uint8 else FLOAT_BYTES)
            require_memory(beside + count * image.size * per_pixel, f"the {count} images of {what}")
            held, first = np.empty((count, *image.shape), image.dtype), where
        if image.shape != held.shape[1:]:
            sizes = size_of(image), size_of(held[0])
            raise InputError(f"dataset: {where} is {sizes[0]}, {first} {sizes[1]}; images should be of one size")
        if _is_deeper(image, held):
            require_memory(beside + 8 * held.size, f"the {count} images of {what}, some of 16 bits a sample,")
            held = _of_16_bits(held)
        held[row] = _like(image, held, where, first)
    return held


def alike(train: Pixels, test: Pixels, where: tuple[str, str]) -> tuple[Pixels, Pixels]:
    """Return images to train and to test on, (N, C, H, W), in one kind.

    Raises:
        InputError: they differ in size or in kind; `where` is what to call both.
    """
    if train.shape[1:] != test.shape[1:]:
        raise InputError(
            f"dataset: the images in {where[0]} are {size_of(train[0])}, those in {where[1]} {size_of(test[0])}; "
            "they should be of one size"
        )
    train = _of_16_bits(train) if _is_deeper(test, train) else train
    return train, _like(test, train, f"what is in {where[1]}", f"what is in {where[0]}")


def size_of(image: Pixels) -> str:
    """Return the size of an image (C, H, W) in words."""
    channels, height, width = image.shape
    return f"{height}x{width} with {channels} channels"


def _is_deeper(image: Pixels, held: Pixels) -> bool:
    return held.dtype.name == "uint8" and image.dtype.name == "uint16"


def _of_16_bits(images: Pixels) -> Pixels:
    return images.astype(np.uint16) * PER_BYTE


def _like(image: Pixels, held: Pixels, where: str, first: str) -> Pixels:
    """Return the image in the kind of those that are held."""
    if image.dtype == held.dtype:
        return image
    if _is_deeper(held, image):
        return _of_16_bits(image)
    kinds = KINDS[image.dtype.name], KINDS[held.dtype.name]
    raise InputError(
        f"dataset: {where} has samples of {kinds[0]}, {first} of {kinds[1]}, between which no scale is known; "
        "images should be of one kind"
    )
