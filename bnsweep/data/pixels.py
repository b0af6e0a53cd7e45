"""From an encoded image to its pixels: upright, and with all that the image says; what would lose some is refused."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.TiffTags import TAGS_V2

from bnsweep.errors import InputError

Pixels = NDArray[Any]
"""(C, H, W) with three channels: uint8, uint16 (of which 257 are one of uint8), int32, or float32."""

BYTES = ("1", "L", "P", "RGB", "LA", "PA", "RGBA")
"""The modes of Pillow that are read as RGB, the last three if nothing in the image is transparent."""
BAD_FILE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises where a file is damaged."""
MAX_BYTE = 255


def decode(content: bytes, where: str, size: int | None = None) -> Pixels:
    """Return the pixels of an encoded image.

    Args:
        content: the file's bytes: PNG, JPEG, TIFF, BMP, GIF, WebP, PBM, PGM, PPM or PFM.
        where: what to call it, such as `the image in row 3 of train.parquet`.
        size: see `pixels`.

    Raises:
        InputError: it cannot be decoded, or not without losing what it says.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            return pixels(image, where, size)
    except InputError:
        raise
    except BAD_FILE as error:
        reason = str(error).split(" <_io.BytesIO")[0]
        raise InputError(
            f"dataset: {where} cannot be decoded ({reason}); "
            "it should be a JPEG, PNG or another format that Pillow reads"
        ) from error


def pixels(image: Image.Image, where: str, size: int | None = None) -> Pixels:
    """Return the pixels of an image, turned upright as its EXIF orientation says, grey as three equal channels.

    8 bits a sample become uint8, 16 bits uint16, 32 bits int32 or float32. With `size` the largest square is cut out of
    the middle and scaled to (size, size), bilinear over all pixels that a new one covers.

    Raises:
        InputError: it has more than one frame, transparent pixels, values that are no finite number, or samples that
            Pillow cannot give as they are.
    """
    if reason := _more_than_pixels(image) or LOSSES.get(image.format, _other_format)(image):
        raise _refusal(where, image, reason)
    upright = ImageOps.exif_transpose(image)
    if upright.mode in BYTES:
        if upright.has_transparency_data and upright.convert("RGBA").getchannel("A").getextrema() != (255, 255):
            raise _refusal(where, image, "has transparent pixels; flatten it onto a background")
        return _channels(_fit(upright.convert("RGB"), size))
    if "transparency" in upright.info:
        raise _refusal(where, image, "has a transparent value; flatten it onto a background")
    is_16_bit = upright.mode.startswith("I;16") or (image.format == "PPM" and upright.mode == "I")
    grey = _channels(_fit(upright.convert("I") if is_16_bit else upright, size))
    if grey.dtype == np.float32 and not np.isfinite(grey).all():
        raise _refusal(where, image, "has values that are no finite number; replace them")
    if image.format == "TIFF" and _tag(image, "SampleFormat") == (1,) and grey.min() < 0:
        raise _refusal(where, image, "has values of 2^31 and more, of which Pillow makes negative ones; scale them")
    return grey.clip(0, 65535).astype(np.uint16) if is_16_bit else grey


def _refusal(where: str, image: Image.Image, reason: str) -> InputError:
    return InputError(f"dataset: {where}, {image.format or 'an image'} of mode {image.mode}, {reason}")


def _fit(image: Image.Image, size: int | None) -> Image.Image:
    return image if size is None else ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)


def _channels(image: Image.Image) -> Pixels:
    """Return (3, H, W)."""
    array = np.asarray(image)
    return array.transpose(2, 0, 1) if array.ndim == 3 else np.broadcast_to(array, (3, *array.shape))


def _more_than_pixels(image: Image.Image) -> str | None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # the further ones of a camera's JPEG are previews, or for 3D
        return f"has {frames} frames; give one image each"
    if image.mode not in (*BYTES, "I", "F") and not image.mode.startswith("I;16"):
        return "has colours that depend on how it is to be shown; convert it to RGB"
    return None


def _lossless(_image: Image.Image) -> None:
    """Say nothing: such images have 8 bits a sample at most, or Pillow refuses them."""


def _other_format(_image: Image.Image) -> str:
    return "may have more than what Pillow gives of it; convert it to PNG, JPEG or TIFF"


def _loss_of_png(image: Image.Image) -> str | None:
    raw = str(image.tile[0].args) if image.tile else ""  # type: ignore[attr-defined]  # ImageFile's
    if "16" in raw and not image.mode.startswith("I;16"):
        return "has colours of 16 bits a channel, of which Pillow gives 8; convert it to 8 bits"
    return None


def _loss_of_ppm(image: Image.Image) -> str | None:
    arguments = image.tile[0].args if image.tile else ()  # type: ignore[attr-defined]  # ImageFile's
    largest = arguments[-1] if isinstance(arguments, tuple) else MAX_BYTE
    if image.mode == "RGB" and isinstance(largest, int) and largest > MAX_BYTE:
        return f"has colours up to {largest}, which Pillow scales to 255; convert it to 8 bits"
    return None


def _loss_of_tiff(image: Image.Image) -> str | None:
    bits, kind = _tag(image, "BitsPerSample"), _tag(image, "SampleFormat")
    if max(bits) <= 8:
        return "has signed samples, which Pillow gives as unsigned; convert it" if 2 in kind else None
    if len(bits) > 1 or max(bits) not in (16, 32) or image.mode in BYTES:
        return f"has samples of {', '.join(map(str, bits))} bits, which Pillow does not give as they are; convert it"
    if _tag(image, "PhotometricInterpretation") == (0,):
        return "has white as its lowest value, which Pillow turns around at 8 bits alone; turn it around"
    return None


def _tag(image: Image.Image, name: str) -> tuple[int, ...]:
    """Return the value of a TIFF's tag; 1, the default of those that are asked for, where it has none."""
    number = next(number for number, tag in TAGS_V2.items() if tag.name == name)
    value = image.tag_v2.get(number, 1)  # type: ignore[attr-defined]  # TiffImageFile's
    return value if isinstance(value, tuple) else (value,)


LOSSES: dict[str | None, Callable[[Image.Image], str | None]] = {
    None: _lossless,  # made of an array
    **dict.fromkeys(("JPEG", "MPO", "BMP", "GIF", "WEBP"), _lossless),
    "PNG": _loss_of_png,
    "PPM": _loss_of_ppm,
    "TIFF": _loss_of_tiff,
}
"""By format: what of the image Pillow does not give; None where it gives all."""
